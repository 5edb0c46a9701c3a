/* SPDX-License-Identifier: MIT */
/*
 * scenarios.c - the named worlds of `tercet sim --scenario`: each is a plan, as a seed would draw
 * it, but meant. docs/scenarios.md shows what each of them looks like.
 */
#include "cli/scenarios.h"

#include <string.h>

/* What a Linux-like host has. */
#define MODERN                                                                                     \
  "sack,timestamps,wscale,rack,tlp,frto,nagle,delack,quickack,linux,cubic,autotune,idle-restart"
#define STACK " kind=stack mtu=1500 burst=1 features=" MODERN
#define ROUTER " kind=router mtu=1500\n"
#define STREAM " talk=stream conns=1 parallel=1 backlog=16"
#define FLOOD                                                                                      \
  " talk=stream conns=64 parallel=64 backlog=128 up=1 client_end=abort"                            \
  " server_end=close-on-eof\n"
#define ENDS " client_end=shut-after-send server_end=shut-after-send\n"

const struct scenario scenarios[] = {
    {"lossy-wifi", "a download over a radio link that loses single frames and whole bursts",
     "fast retransmits and RACK repair most losses; a burst at the end of a window costs a "
     "time-out",
     "head heal_ms=60000\nhost 0" STACK "\nhost 1" STACK "\n"
     "link 0 a=0 b=1 delay_us=8000 jitter_us=3000 rate_kbps=40000 queue=120000\n"
     "fault loss target=0 dir=2 rate_ppm=8000\n"
     "fault loss-burst target=0 dir=2 rate_ppm=1500 burst=6\n"
     "fault reorder-time target=0 dir=2 rate_ppm=5000 a=6000000\n"
     "flow 0 client=0 server=1 port=80" STREAM " up=400 down=4000000" ENDS},
    {"satellite", "a download over 600 ms of round trip, 20 Mbit/s, and few losses",
     "slow start overshoots the queue, hundreds are lost at once, and SACK repairs them",
     "head heal_ms=120000\nhost 0" STACK "\nhost 1" STACK "\n"
     "link 0 a=0 b=1 delay_us=300000 rate_kbps=20000 queue=600000\n"
     "fault loss target=0 dir=2 rate_ppm=150\n"
     "flow 0 client=0 server=1 port=80" STREAM " up=400 down=8000000" ENDS},
    {"datacenter-incast", "eight servers answer one client at the same instant through one port",
     "the queue overflows before anybody can know, RACK repairs without a single time-out",
     "head heal_ms=20000\nhost 0" STACK "\nhost 1" ROUTER "host 2" STACK "\nhost 3" STACK
     "\nhost 4" STACK "\nhost 5" STACK "\nhost 6" STACK "\nhost 7" STACK "\nhost 8" STACK
     "\nhost 9" STACK "\n"
     "link 0 a=1 b=0 delay_us=20 rate_kbps=1000000 queue=64000\n"
     "link 1 a=1 b=2 delay_us=20 rate_kbps=1000000\nlink 2 a=1 b=3 delay_us=20 rate_kbps=1000000\n"
     "link 3 a=1 b=4 delay_us=20 rate_kbps=1000000\nlink 4 a=1 b=5 delay_us=20 rate_kbps=1000000\n"
     "link 5 a=1 b=6 delay_us=20 rate_kbps=1000000\nlink 6 a=1 b=7 delay_us=20 rate_kbps=1000000\n"
     "link 7 a=1 b=8 delay_us=20 rate_kbps=1000000\nlink 8 a=1 b=9 delay_us=20 rate_kbps=1000000\n"
     "flow 0 client=0 server=2 port=80" STREAM " up=100 down=256000" ENDS
     "flow 1 client=0 server=3 port=80" STREAM " up=100 down=256000" ENDS
     "flow 2 client=0 server=4 port=80" STREAM " up=100 down=256000" ENDS
     "flow 3 client=0 server=5 port=80" STREAM " up=100 down=256000" ENDS
     "flow 4 client=0 server=6 port=80" STREAM " up=100 down=256000" ENDS
     "flow 5 client=0 server=7 port=80" STREAM " up=100 down=256000" ENDS
     "flow 6 client=0 server=8 port=80" STREAM " up=100 down=256000" ENDS
     "flow 7 client=0 server=9 port=80" STREAM " up=100 down=256000" ENDS},
    {"train-tunnel", "the link is gone for twelve seconds in the middle of an upload",
     "the time-out doubles until the tunnel ends; then what was lost in it goes again at once",
     "head heal_ms=60000\nhost 0" STACK "\nhost 1" STACK "\n"
     "link 0 a=0 b=1 delay_us=25000 jitter_us=2000 rate_kbps=10000 queue=100000\n"
     "fault loss target=0 dir=2 start_ms=2000 stop_ms=14000\n"
     "flow 0 client=0 server=1 port=80" STREAM " up=5000000 down=100" ENDS},
    {"broken-middlebox", "a box in the path shifts sequence numbers but forgets SACK blocks",
     "SACK blocks that mean nothing are not believed: repair is left to time-outs, F-RTO beside it",
     "head heal_ms=60000\nhost 0" STACK "\nhost 1 kind=middlebox mtu=1500\nhost 2" STACK "\n"
     "link 0 a=0 b=1 delay_us=5000\nlink 1 a=1 b=2 delay_us=5000 rate_kbps=20000 queue=60000\n"
     "fault seq-shift target=1 b=1\nfault loss target=1 dir=2 rate_ppm=10000\n"
     "flow 0 client=0 server=2 port=80" STREAM " up=400 down=1000000" ENDS},
    {"option-stripper", "a firewall removes every option from SYNs",
     "no window scale, no SACK, no timestamps: 64 KiB in flight and NewReno, and it works",
     "head heal_ms=60000\nhost 0" STACK "\nhost 1 kind=middlebox mtu=1500\nhost 2" STACK "\n"
     "link 0 a=0 b=1 delay_us=20000\nlink 1 a=1 b=2 delay_us=20000 rate_kbps=50000 queue=200000\n"
     "fault option-strip target=1\nfault loss target=1 dir=2 rate_ppm=2000\n"
     "flow 0 client=0 server=2 port=80" STREAM " up=400 down=2000000" ENDS},
    {"nat-rebind", "a NAT gives the mapping another port while the connection is idle",
     "the server resets the stranger, so the client knows; its own end repeats a FIN for minutes",
     "head heal_ms=120000\nhost 0" STACK "\nhost 1 kind=nat mtu=1500\nhost 2" STACK "\n"
     "link 0 a=0 b=1 delay_us=5000\nlink 1 a=1 b=2 delay_us=5000\n"
     "fault nat-rebind target=1 start_ms=3000 stop_ms=4000\n"
     "flow 0 client=0 server=2 port=80" STREAM " up=20000 down=20000 rounds=40 think_ms=200" ENDS},
    {"black-hole", "a tunnel drops what is larger than 1300 octets and says nothing",
     "large segments vanish and are sent again in vain, until the search (RFC 4821) goes below",
     "head heal_ms=90000\nhost 0" STACK ",plpmtud\nhost 1" STACK ",plpmtud\n"
     "link 0 a=0 b=1 delay_us=10000 rate_kbps=20000\n"
     "fault black-hole target=0 dir=2 a=1300\n"
     "flow 0 client=0 server=1 port=80" STREAM " up=400 down=400000" ENDS},
    {"shrinking-mtu", "the path's MTU shrinks to 1280 in the middle, with true ICMP errors",
     "what was too large is sent again smaller at once, without waiting for a time-out",
     "head heal_ms=60000\nhost 0" STACK "\nhost 1" STACK "\n"
     "link 0 a=0 b=1 delay_us=15000 rate_kbps=20000 queue=100000\n"
     "fault mtu-change target=0 dir=2 start_ms=500 a=1280\n"
     "flow 0 client=0 server=1 port=80" STREAM " up=400 down=3000000" ENDS},
    {"blind-attacker", "a third party guesses RSTs, SYNs, data and ICMP errors into a transfer",
     "challenge ACKs answer the few that come near, the rest is dropped, nothing is sent again",
     "head heal_ms=60000\nhost 0" STACK "\nhost 1" STACK "\n"
     "link 0 a=0 b=1 delay_us=10000 rate_kbps=20000 queue=100000\n"
     "fault blind-injection target=0 dir=2 rate_ppm=200000\n"
     "fault icmp-forged target=0 dir=2 rate_ppm=50000\n"
     "flow 0 client=0 server=1 port=80" STREAM " up=400 down=2000000" ENDS},
    {"syn-flood", "five hundred SYNs whose SYN,ACKs nobody answers, and one honest client",
     "the table of half-open connections is full, cookies answer, the honest one gets in",
     "head heal_ms=20000\nhost 0" STACK "\nhost 1" ROUTER "host 2" STACK ",cookies half_open=32\n"
     "host 3" STACK "\n"
     "link 0 a=1 b=0 delay_us=5000 rate_kbps=100000\nlink 1 a=1 b=2 delay_us=5000\n"
     "link 2 a=1 b=3 delay_us=5000\nfault loss-syn-ack target=2 dir=0\n"
     "flow 0 client=0 server=2 port=80" STREAM " start_ms=500 up=400 down=500000" ENDS
     "flow 1 client=3 server=2 port=80" FLOOD "flow 2 client=3 server=2 port=80" FLOOD
     "flow 3 client=3 server=2 port=80" FLOOD "flow 4 client=3 server=2 port=80" FLOOD
     "flow 5 client=3 server=2 port=80" FLOOD "flow 6 client=3 server=2 port=80" FLOOD
     "flow 7 client=3 server=2 port=80" FLOOD "flow 8 client=3 server=2 port=80" FLOOD},
    {"hostile-receiver", "a box on the receiver's side divides each ACK into five",
     "counted by octets and not by ACKs, the congestion window grows no faster (RFC 3465)",
     "head heal_ms=60000\nhost 0" STACK "\nhost 1 kind=middlebox mtu=1500\nhost 2" STACK "\n"
     "link 0 a=0 b=1 delay_us=10000\nlink 1 a=1 b=2 delay_us=10000 rate_kbps=20000 queue=100000\n"
     "fault ack-divide target=1 a=5\n"
     "flow 0 client=0 server=2 port=80" STREAM " up=2000000 down=100" ENDS},
    {"sleepy-laptop", "the reader's machine stands still for seconds, again and again",
     "what waited in the device is lost in one go; time-outs bridge the sleep, RACK does the rest",
     "head heal_ms=60000\nhost 0" STACK "\nhost 1" STACK "\n"
     "link 0 a=0 b=1 delay_us=10000 rate_kbps=50000 queue=200000\n"
     "fault host-pause target=0 start_ms=300 stop_ms=20000 rate_ppm=2500 a=1500000000 b=512\n"
     "flow 0 client=0 server=1 port=80" STREAM " up=400 down=4000000" ENDS},
    {"asymmetric",
     "20 Mbit/s down, 256 kbit/s up, and the ACKs share the narrow way with an upload",
     "ACKs queue behind data, so the download is clocked by the upload's buffer",
     "head heal_ms=120000\nhost 0" STACK "\nhost 1" STACK "\n"
     "link 0 a=0 b=1 delay_us=10000 rate_kbps=20000 queue=200000\n"
     "fault rate-limit target=0 dir=0 a=256000\nfault queue-limit target=0 dir=0 a=30000\n"
     "flow 0 client=0 server=1 port=80" STREAM " up=400 down=4000000" ENDS
     "flow 1 client=0 server=1 port=81" STREAM " up=200000 down=100" ENDS},
    {"bufferbloat", "a queue of two seconds before a slow link, and a talk beside the download",
     "no loss for long, round trips grow to the queue's length, and the talk waits behind it",
     "head heal_ms=120000\nhost 0" STACK "\nhost 1" STACK "\n"
     "link 0 a=0 b=1 delay_us=10000 rate_kbps=4000 queue=1000000\n"
     "flow 0 client=0 server=1 port=80" STREAM " up=400 down=6000000" ENDS
     "flow 1 client=0 server=1 port=81" STREAM
     " start_ms=200 up=4000 down=4000 rounds=40 think_ms=100" ENDS},
    {"ecn-queue", "the same slow link, with a queue that marks instead of growing",
     "ECN: the sender slows down by marks, nothing is lost, round trips stay short",
     "head heal_ms=120000\nhost 0" STACK ",ecn\nhost 1" STACK ",ecn\n"
     "link 0 a=0 b=1 delay_us=10000 rate_kbps=4000 queue=1000000 mark=15000\n"
     "flow 0 client=0 server=1 port=80" STREAM " up=400 down=3000000" ENDS},
};
const size_t n_scenarios = sizeof scenarios / sizeof scenarios[0];

const struct scenario *scenarios_find(const char *name) {
  for (size_t i = 0; i < n_scenarios; i++)
    if (strcmp(scenarios[i].name, name) == 0)
      return &scenarios[i];
  return NULL;
}
