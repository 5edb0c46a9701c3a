/* SPDX-License-Identifier: MIT */
/*
 * names.c - tables of the words that scripts may use where the kernel wants a number. Used by the
 * parser (ICMP) and the calls. The numbers are Linux's.
 */
#define _GNU_SOURCE
#include "drill/names.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <linux/sockios.h>

#include "tercet/tercet.h"

struct name {
  const char *word;
  int64_t number;
};

#define SAME(x)                                                                                    \
  { #x, x }

/* clang-format off */
static const struct name constants[] = {
    {"NULL", 0},
    SAME(AF_UNSPEC), SAME(AF_INET), SAME(AF_INET6), SAME(PF_INET), SAME(PF_INET6),
    SAME(SOCK_STREAM), SAME(SOCK_DGRAM), SAME(SOCK_NONBLOCK), SAME(SOCK_CLOEXEC),
    SAME(IPPROTO_TCP), SAME(IPPROTO_UDP), SAME(IPPROTO_IP), SAME(IPPROTO_IPV6), SAME(IPPROTO_ICMP),
    SAME(SOL_SOCKET), SAME(SOL_TCP), SAME(SOL_IP), SAME(SOL_IPV6), {"SOL_UDP", 17},
    SAME(SO_ACCEPTCONN), SAME(SO_BROADCAST), SAME(SO_DEBUG), SAME(SO_DOMAIN), SAME(SO_DONTROUTE),
    SAME(SO_ERROR), SAME(SO_KEEPALIVE), SAME(SO_LINGER), SAME(SO_MARK), SAME(SO_OOBINLINE),
    SAME(SO_PRIORITY), SAME(SO_PROTOCOL), SAME(SO_RCVBUF), SAME(SO_RCVBUFFORCE),
    SAME(SO_RCVLOWAT), SAME(SO_RCVTIMEO), SAME(SO_REUSEADDR), SAME(SO_REUSEPORT), SAME(SO_SNDBUF),
    SAME(SO_SNDBUFFORCE), SAME(SO_SNDLOWAT), SAME(SO_SNDTIMEO), SAME(SO_TIMESTAMP),
    SAME(SO_TIMESTAMPING), SAME(SO_TIMESTAMPNS), SAME(SO_TYPE), SAME(SO_BUSY_POLL),
    SAME(SO_INCOMING_CPU), SAME(SO_MAX_PACING_RATE), SAME(SO_ZEROCOPY), SAME(SO_TXTIME),
    SAME(TCP_NODELAY), SAME(TCP_MAXSEG), SAME(TCP_CORK), SAME(TCP_KEEPIDLE), SAME(TCP_KEEPINTVL),
    SAME(TCP_KEEPCNT), SAME(TCP_SYNCNT), SAME(TCP_LINGER2), SAME(TCP_DEFER_ACCEPT),
    SAME(TCP_WINDOW_CLAMP), SAME(TCP_INFO), SAME(TCP_QUICKACK), SAME(TCP_CONGESTION),
    SAME(TCP_MD5SIG), SAME(TCP_THIN_LINEAR_TIMEOUTS), SAME(TCP_THIN_DUPACK),
    SAME(TCP_USER_TIMEOUT), SAME(TCP_REPAIR), SAME(TCP_FASTOPEN), SAME(TCP_TIMESTAMP),
    {"TCP_NOTSENT_LOWAT", 25}, {"TCP_CC_INFO", 26}, {"TCP_SAVE_SYN", 27}, {"TCP_SAVED_SYN", 28},
    {"TCP_REPAIR_WINDOW", 29}, {"TCP_FASTOPEN_CONNECT", 30}, {"TCP_ULP", 31},
    {"TCP_MD5SIG_EXT", 32}, {"TCP_FASTOPEN_KEY", 33}, {"TCP_FASTOPEN_NO_COOKIE", 34},
    {"TCP_ZEROCOPY_RECEIVE", 35}, {"TCP_INQ", 36}, {"TCP_CM_INQ", 36}, {"TCP_TX_DELAY", 37},
    /* Not Linux's; they fail like any option that is not known. */
    {"TCP_NOOPT", 0x7f01}, {"TCP_KEEPINIT", 0x7f02},
    SAME(IP_TOS), SAME(IP_TTL), SAME(IP_MTU_DISCOVER), SAME(IP_MTU), SAME(IP_RECVERR),
    SAME(IP_FREEBIND), SAME(IP_TRANSPARENT), SAME(IP_RECVTOS), SAME(IP_RECVTTL), SAME(IP_PKTINFO),
    SAME(IP_PMTUDISC_DONT), SAME(IP_PMTUDISC_WANT), SAME(IP_PMTUDISC_DO), SAME(IP_PMTUDISC_PROBE),
    SAME(IPV6_V6ONLY), SAME(IPV6_TCLASS), SAME(IPV6_UNICAST_HOPS), SAME(IPV6_RECVERR),
    SAME(IPV6_MTU_DISCOVER), SAME(IPV6_MTU), {"IPV6_HOPLIMIT", IPV6_HOPLIMIT},
    {"IPTOS_DSCP_CS1", 0x20}, {"IPTOS_DSCP_CS7", 0xe0}, {"IPTOS_LOWDELAY", 0x10},
    {"IPTOS_THROUGHPUT", 0x08}, {"IPTOS_RELIABILITY", 0x04},
    SAME(MSG_OOB), SAME(MSG_PEEK), SAME(MSG_DONTROUTE), SAME(MSG_CTRUNC), SAME(MSG_TRUNC),
    SAME(MSG_DONTWAIT), SAME(MSG_EOR), SAME(MSG_WAITALL), SAME(MSG_NOSIGNAL), SAME(MSG_MORE),
    SAME(MSG_ERRQUEUE), SAME(MSG_FASTOPEN), SAME(MSG_ZEROCOPY), SAME(MSG_WAITFORONE),
    SAME(SHUT_RD), SAME(SHUT_WR), SAME(SHUT_RDWR),
    SAME(F_GETFL), SAME(F_SETFL), SAME(F_GETFD), SAME(F_SETFD),
    SAME(O_RDONLY), SAME(O_WRONLY), SAME(O_RDWR), SAME(O_NONBLOCK), SAME(O_CREAT), SAME(O_TRUNC),
    SAME(FIONREAD), SAME(FIONBIO), SAME(SIOCINQ), SAME(SIOCOUTQ), SAME(SIOCOUTQNSD),
    SAME(SIOCATMARK), SAME(TIOCOUTQ),
    SAME(POLLIN), SAME(POLLPRI), SAME(POLLOUT), SAME(POLLERR), SAME(POLLHUP), SAME(POLLNVAL),
    SAME(POLLRDNORM), SAME(POLLRDBAND), SAME(POLLWRNORM), SAME(POLLWRBAND), SAME(POLLRDHUP),
    SAME(POLLMSG),
    {"EPOLLIN", EPOLLIN}, {"EPOLLPRI", EPOLLPRI}, {"EPOLLOUT", EPOLLOUT}, {"EPOLLERR", EPOLLERR},
    {"EPOLLHUP", EPOLLHUP}, {"EPOLLRDHUP", EPOLLRDHUP}, {"EPOLLET", (int64_t)(uint32_t)EPOLLET},
    {"EPOLLONESHOT", EPOLLONESHOT}, {"EPOLLEXCLUSIVE", EPOLLEXCLUSIVE},
    {"EPOLLRDNORM", EPOLLRDNORM}, {"EPOLLWRNORM", EPOLLWRNORM},
    SAME(EPOLL_CTL_ADD), SAME(EPOLL_CTL_MOD), SAME(EPOLL_CTL_DEL),
    {"SCM_RIGHTS", SCM_RIGHTS}, {"SCM_TIMESTAMPING", SO_TIMESTAMPING},
    {"SCM_TIMESTAMPING_OPT_STATS", 54}, {"SCM_TSTAMP_SND", 0}, {"SCM_TSTAMP_SCHED", 1},
    {"SCM_TSTAMP_ACK", 2}, {"SO_EE_ORIGIN_NONE", 0}, {"SO_EE_ORIGIN_LOCAL", 1},
    {"SO_EE_ORIGIN_ICMP", 2}, {"SO_EE_ORIGIN_ICMP6", 3}, {"SO_EE_ORIGIN_TIMESTAMPING", 4},
    {"SO_EE_ORIGIN_ZEROCOPY", 5}, {"SO_EE_CODE_ZEROCOPY_COPIED", 1},
    {"SOF_TIMESTAMPING_TX_HARDWARE", 1}, {"SOF_TIMESTAMPING_TX_SOFTWARE", 2},
    {"SOF_TIMESTAMPING_RX_HARDWARE", 4}, {"SOF_TIMESTAMPING_RX_SOFTWARE", 8},
    {"SOF_TIMESTAMPING_SOFTWARE", 16}, {"SOF_TIMESTAMPING_RAW_HARDWARE", 64},
    {"SOF_TIMESTAMPING_OPT_ID", 128}, {"SOF_TIMESTAMPING_TX_SCHED", 256},
    {"SOF_TIMESTAMPING_TX_ACK", 512}, {"SOF_TIMESTAMPING_OPT_CMSG", 1024},
    {"SOF_TIMESTAMPING_OPT_TSONLY", 2048}, {"SOF_TIMESTAMPING_OPT_STATS", 4096},
    /* The core's own options, for tct_set and tct_get. */
    SAME(TCT_OPT_NODELAY), SAME(TCT_OPT_CORK), SAME(TCT_OPT_QUICKACK), SAME(TCT_OPT_KEEPALIVE),
    SAME(TCT_OPT_KEEPIDLE_S), SAME(TCT_OPT_KEEPINTVL_S), SAME(TCT_OPT_KEEPCNT),
    SAME(TCT_OPT_KEEP_GARBAGE), SAME(TCT_OPT_USER_TIMEOUT_MS), SAME(TCT_OPT_R1_RETRIES),
    SAME(TCT_OPT_SYN_RETRIES), SAME(TCT_OPT_MAXSEG), SAME(TCT_OPT_SNDBUF), SAME(TCT_OPT_RCVBUF),
    SAME(TCT_OPT_RCVLOWAT), SAME(TCT_OPT_NOTSENT_LOWAT), SAME(TCT_OPT_WINDOW_CLAMP),
    SAME(TCT_OPT_ECN), SAME(TCT_OPT_MTU_PROBING),
    SAME(TCT_OPT_DSCP), SAME(TCT_OPT_RECV_DSCP), SAME(TCT_OPT_HOP_LIMIT),
    SAME(TCT_OPT_SOFT_ERRORS), SAME(TCT_OPT_ERROR), SAME(TCT_OPT_SOFT_ERROR),
    SAME(TCT_OPT_URGENT_UNREAD), SAME(TCT_OPT_V6ONLY), SAME(TCT_OPT_REUSEADDR),
    SAME(TCT_OPT_REUSEPORT), SAME(TCT_OPT_DEFER_ACCEPT_S), SAME(TCT_OPT_SYN_POLICY),
    SAME(TCT_OPT_FIN_WAIT_2_MS), SAME(TCT_OPT_TIMESTAMPS), SAME(TCT_OPT_SACK),
    SAME(TCT_OPT_WSCALE), SAME(TCT_OPT_CONGESTION), SAME(TCT_OPT_MAX_PACING_RATE),
    SAME(TCT_OPT_PMTU_DISCOVER),
    SAME(TCT_OPT_BROADCAST), SAME(TCT_OPT_ISN),
    SAME(TCT_EV_CONNECTED), SAME(TCT_EV_READABLE), SAME(TCT_EV_WRITABLE), SAME(TCT_EV_ACCEPT),
    SAME(TCT_EV_SYN), SAME(TCT_EV_URGENT), SAME(TCT_EV_SOFT_ERROR), SAME(TCT_EV_EOF),
    SAME(TCT_EV_TX_DONE), SAME(TCT_EV_MARK), SAME(TCT_EV_CLOSED),
    SAME(TCT_IF_UP), SAME(TCT_IF_MTU), SAME(TCT_SYN_ANSWER), SAME(TCT_SYN_ASK),
    SAME(TCT_SYN_ACCEPT), SAME(TCT_SYN_RESET), SAME(TCT_SYN_UNREACH), SAME(TCT_SYN_DROP),
};

static const struct name errnos[] = {
    SAME(EPERM), SAME(ENOENT), SAME(EINTR), SAME(EIO), SAME(EBADF), SAME(EAGAIN),
    {"EWOULDBLOCK", EAGAIN}, SAME(ENOMEM), SAME(EACCES), SAME(EFAULT), SAME(EBUSY), SAME(EEXIST),
    SAME(ENODEV), SAME(EINVAL), SAME(EMFILE), SAME(ENOTTY), SAME(ENOSPC), SAME(EPIPE), SAME(EDOM),
    SAME(ENOSYS), SAME(ENOMSG), SAME(EPROTO), SAME(EOVERFLOW), SAME(ENOTSOCK),
    SAME(EDESTADDRREQ), SAME(EMSGSIZE), SAME(EPROTOTYPE), SAME(ENOPROTOOPT),
    SAME(EPROTONOSUPPORT), SAME(ESOCKTNOSUPPORT), SAME(EOPNOTSUPP), {"ENOTSUP", EOPNOTSUPP},
    SAME(EPFNOSUPPORT), SAME(EAFNOSUPPORT), SAME(EADDRINUSE), SAME(EADDRNOTAVAIL), SAME(ENETDOWN),
    SAME(ENETUNREACH), SAME(ENETRESET), SAME(ECONNABORTED), SAME(ECONNRESET), SAME(ENOBUFS),
    SAME(EISCONN), SAME(ENOTCONN), SAME(ESHUTDOWN), SAME(ETIMEDOUT), SAME(ECONNREFUSED),
    SAME(EHOSTDOWN), SAME(EHOSTUNREACH), SAME(EALREADY), SAME(EINPROGRESS), SAME(ESTALE),
    SAME(ECANCELED), SAME(ENONET), SAME(EUSERS), SAME(ELOOP),
};

struct icmp_name {
  const char *word;
  uint8_t type, code;
};

static const struct name icmp4_types[] = {
    {"echo_reply", 0},     {"unreachable", 3},        {"source_quench", 4},
    {"redirect", 5},       {"echo_request", 8},       {"router_advertisement", 9},
    {"router_solicitation", 10}, {"time_exceeded", 11}, {"parameter_problem", 12},
    {"timestamp_request", 13}, {"timestamp_reply", 14}, {"information_request", 15},
    {"information_reply", 16}, {"address_mask_request", 17}, {"address_mask_reply", 18},
};
static const struct name icmp6_types[] = {
    {"unreachable", 1},       {"packet_too_big", 2}, {"time_exceeded", 3},
    {"parameter_problem", 4}, {"echo_request", 128}, {"echo_reply", 129},
};
static const struct icmp_name icmp4_codes[] = {
    {"net_unreachable", 3, 0}, {"host_unreachable", 3, 1}, {"protocol_unreachable", 3, 2},
    {"port_unreachable", 3, 3}, {"frag_needed", 3, 4}, {"source_route_failed", 3, 5},
    {"net_unknown", 3, 6}, {"host_unknown", 3, 7}, {"source_host_isolated", 3, 8},
    {"net_prohibited", 3, 9}, {"host_prohibited", 3, 10}, {"net_unreachable_for_tos", 3, 11},
    {"host_unreachable_for_tos", 3, 12}, {"packet_filtered", 3, 13},
    {"precedence_violation", 3, 14}, {"precedence_cutoff", 3, 15},
    {"ttl_exceeded_in_transit", 11, 0}, {"exceeded_ttl", 11, 0}, {"frag_reass_exceeded", 11, 1},
    {"exceeded_frag_time", 11, 1}, {"redirect_for_net", 5, 0}, {"redirect_for_host", 5, 1},
};
static const struct icmp_name icmp6_codes[] = {
    {"no_route", 1, 0}, {"net_unreachable", 1, 0}, {"admin_prohibited", 1, 1},
    {"not_neighbour", 1, 2}, {"address_unreachable", 1, 3}, {"port_unreachable", 1, 4},
    {"exceeded_hop_limit", 3, 0}, {"exceeded_frag_time", 3, 1}, {"header_field", 4, 0},
    {"unknown_next_header", 4, 1}, {"unknown_option", 4, 2},
};
/* clang-format on */

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

static bool find_name(const struct name *names, size_t n, const char *word, int64_t *value) {
  for (size_t i = 0; i < n; i++) {
    if (strcmp(names[i].word, word) != 0)
      continue;
    *value = names[i].number;
    return true;
  }
  return false;
}

bool drill_names_constant(const char *word, int64_t *value) {
  return find_name(constants, COUNT(constants), word, value) ||
         find_name(errnos, COUNT(errnos), word, value);
}

const char *drill_names_errno(int64_t number) {
  for (size_t i = 0; i < COUNT(errnos); i++)
    if (errnos[i].number == number)
      return errnos[i].word;
  return NULL;
}

/* type_N and code_N are legal for any number. */
static bool parse_numbered(const char *word, const char *prefix, uint8_t *value) {
  size_t n = strlen(prefix);
  if (strncmp(word, prefix, n) != 0 || !word[n])
    return false;
  char *end;
  unsigned long v = strtoul(word + n, &end, 10);
  *value = (uint8_t)v;
  return !*end && v <= 255;
}

bool drill_names_icmp_type(bool is_v6, const char *word, uint8_t *type) {
  int64_t v;
  bool found = is_v6 ? find_name(icmp6_types, COUNT(icmp6_types), word, &v)
                     : find_name(icmp4_types, COUNT(icmp4_types), word, &v);
  if (found)
    *type = (uint8_t)v;
  return found || parse_numbered(word, "type_", type);
}

bool drill_names_icmp_code(bool is_v6, uint8_t type, const char *word, uint8_t *code) {
  const struct icmp_name *names = is_v6 ? icmp6_codes : icmp4_codes;
  size_t n = is_v6 ? COUNT(icmp6_codes) : COUNT(icmp4_codes);
  for (size_t i = 0; i < n; i++) {
    if (names[i].type != type || strcmp(names[i].word, word) != 0)
      continue;
    *code = names[i].code;
    return true;
  }
  return parse_numbered(word, "code_", code);
}
