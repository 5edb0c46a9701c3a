/* SPDX-License-Identifier: MIT */
/*
 * lwipopts.h - lwIP as the benchmark runs it: no threads, raw calls, static pools, asserts and
 * statistics off, windows and send buffers of 256 KiB. BENCH_MSS, BENCH_PCBS and BENCH_CHECKSUMS
 * come from the command line of build.sh.
 */
#ifndef LWIPOPTS_H
#define LWIPOPTS_H

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0
#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ARP 0
#define LWIP_ETHERNET 0
#define LWIP_UDP 0
#define LWIP_DHCP 0
#define LWIP_RAW 0
#define LWIP_ICMP 1
#define IP_REASSEMBLY 0
#define IP_FRAG 0
#define LWIP_NETIF_LOOPBACK 0
#define LWIP_HAVE_LOOPIF 0
#define LWIP_SINGLE_NETIF 1

#define LWIP_NOASSERT
#define LWIP_STATS 0
#define LWIP_DEBUG 0
#define TCP_DEBUG LWIP_DBG_OFF

#define LWIP_TCP 1
#define TCP_MSS BENCH_MSS
#define TCP_WND (256 * 1024)
#define TCP_SND_BUF (256 * 1024)
#define LWIP_WND_SCALE 1
#define TCP_RCV_SCALE 3
#define TCP_SND_QUEUELEN 4096
#define TCP_SNDLOWAT (TCP_SND_BUF / 2)
#define LWIP_TCP_SACK_OUT 1
#define LWIP_TCP_TIMESTAMPS 0
#define TCP_LISTEN_BACKLOG 0
#define LWIP_DISABLE_TCP_SANITY_CHECKS 1

#define MEM_ALIGNMENT 8
#ifndef BENCH_LIBC_MALLOC
#define BENCH_LIBC_MALLOC 0
#endif
#define MEM_LIBC_MALLOC BENCH_LIBC_MALLOC
#define MEM_SIZE (16 * 1024 * 1024)
#define MEMP_NUM_TCP_PCB BENCH_PCBS
#define MEMP_NUM_TCP_PCB_LISTEN 4
#define MEMP_NUM_TCP_SEG 45000
#define MEMP_NUM_PBUF 45000
#define PBUF_POOL_SIZE 16
#define LWIP_SUPPORT_CUSTOM_PBUF 1

#define LWIP_CHKSUM_ALGORITHM 3
#define CHECKSUM_GEN_IP BENCH_CHECKSUMS
#define CHECKSUM_GEN_TCP BENCH_CHECKSUMS
#define CHECKSUM_GEN_ICMP BENCH_CHECKSUMS
#define CHECKSUM_CHECK_IP BENCH_CHECKSUMS
#define CHECKSUM_CHECK_TCP BENCH_CHECKSUMS
#define CHECKSUM_CHECK_ICMP BENCH_CHECKSUMS

#define LWIP_TIMERS 1

#endif
