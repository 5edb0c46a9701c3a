// SPDX-License-Identifier: MIT

// main.go - gVisor's netstack as a peer of the engine benchmark: two stacks joined by its own pipe
// (packets passed by reference), used through its Go adapter as its users do. CPU time is the whole
// process's, as its work is spread over goroutines; it is pinned to one processor by tools/bench.
//
//	bench_gvisor WHAT [conns=N] [ms=N] [reps=N] [checksums=0|1]
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/pipe"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

const port = 7

var (
	conns  = 1
	ms     = 300
	reps   = 1
	hi, lo *stack.Stack
	peer   = tcpip.FullAddress{NIC: 1, Addr: tcpip.Address("\x0a\x01\x00\x01"), Port: port}
)

func stop(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench_gvisor:", err)
		os.Exit(1)
	}
}

func must(err tcpip.Error) {
	if err != nil {
		stop(fmt.Errorf("%s", err))
	}
}

func makeStack(ep stack.LinkEndpoint, addr string) *stack.Stack {
	s := stack.New(stack.Options{
		NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
		TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
	})
	must(s.CreateNIC(1, ep))
	must(s.AddProtocolAddress(1, tcpip.ProtocolAddress{
		Protocol:          header.IPv4ProtocolNumber,
		AddressWithPrefix: tcpip.AddressWithPrefix{Address: tcpip.Address(addr), PrefixLen: 8},
	}, stack.AddressProperties{}))
	s.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: 1}})
	wait := tcpip.TCPTimeWaitTimeoutOption(time.Millisecond)
	must(s.SetTransportProtocolOption(tcp.ProtocolNumber, &wait))
	return s
}

func cpu() int64 {
	var u syscall.Rusage
	stop(syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return u.Utime.Nano() + u.Stime.Nano()
}

func dial() *gonet.TCPConn {
	c, err := gonet.DialContextTCP(context.Background(), hi, peer, ipv4.ProtocolNumber)
	stop(err)
	return c
}

func readAll(c *gonet.TCPConn, b []byte) {
	for n := 0; n < len(b); {
		k, err := c.Read(b[n:])
		stop(err)
		n += k
	}
}

func main() {
	if len(os.Args) < 2 {
		os.Exit(2)
	}
	for _, a := range os.Args[2:] {
		name, value, _ := strings.Cut(a, "=")
		v, _ := strconv.Atoi(value)
		switch name {
		case "conns":
			conns = v
		case "ms":
			ms = v
		case "reps":
			reps = v
		}
	}
	runtime.GOMAXPROCS(1)
	a, b := pipe.New("", "", 1500)
	hi, lo = makeStack(a, "\x0a\x00\x00\x01"), makeStack(b, "\x0a\x01\x00\x01")
	l, err := gonet.ListenTCP(lo, peer, ipv4.ProtocolNumber)
	stop(err)
	what := os.Args[1]
	received := make(chan int, 1024)
	go func() {
		for {
			c, err := l.Accept()
			stop(err)
			go serve(c.(*gonet.TCPConn), what, received)
		}
	}()
	var open []*gonet.TCPConn
	for i := 0; i < conns && what != "connect-close"; i++ {
		open = append(open, dial())
	}
	run := func(n int) { roundTrips(open, n) }
	first := 200
	if what == "connect-close" {
		run = connectClose
	}
	if what == "bulk" {
		run = func(n int) { bulk(open[0], n, received) }
		first = 16 << 20
	}
	fmt.Println("# gVisor netstack of Debian", os.Getenv("BENCH_GVISOR"),
		runtime.Version(), "through gonet; pipe by reference; its own defaults; TIME-WAIT 1 ms;",
		"its pipe asks for checksums both ways")
	began := cpu()
	run(first)
	n := int(float64(first) * float64(ms) * 1e6 / float64(cpu()-began+1))
	for i := 0; i < reps; i++ {
		began = cpu()
		run(n)
		fmt.Printf("n=%d cpu_ns=%d wall_ns=0 packets=0\n", n, cpu()-began)
	}
}

func serve(c *gonet.TCPConn, what string, received chan int) {
	buf := make([]byte, 256<<10)
	for {
		n, err := c.Read(buf)
		if err != nil {
			c.Close()
			return
		}
		if what == "bulk" {
			received <- n
		} else if _, err = c.Write(buf[:n]); err != nil {
			return
		}
	}
}

func connectClose(n int) {
	one := make([]byte, 1)
	for ; n > 0; n-- {
		c := dial()
		stop(c.CloseWrite())
		c.Read(one) // the server's FIN
		c.Close()
	}
}

func roundTrips(open []*gonet.TCPConn, n int) {
	buf := make([]byte, 64)
	x := uint64(88172645463325252)
	for ; n > 0; n-- {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		c := open[x%uint64(len(open))]
		_, err := c.Write(buf)
		stop(err)
		readAll(c, buf)
	}
}

func bulk(c *gonet.TCPConn, n int, received chan int) {
	buf := make([]byte, 64<<10)
	go func() {
		for sent := 0; sent < n; {
			size := len(buf)
			if n-sent < size {
				size = n - sent
			}
			k, err := c.Write(buf[:size])
			stop(err)
			sent += k
		}
	}()
	for got := 0; got < n; {
		got += <-received
	}
}
