/* SPDX-License-Identifier: MIT */
/*
 * lists.h - the lists whose members have names and texts: verdicts, reasons, states, timers.
 * Included by tercet.h, which has the functions that turn them into words.
 */
#ifndef TERCET_LISTS_H
#define TERCET_LISTS_H

/* Why a frame was refused. Every frame handed in gets one; each has a counter. */
/* clang-format off */
#define TCT_VERDICTS(X)                                                                            \
  X(ACCEPTED)                                                                                      \
  X(DROP_IF_DOWN)                                                                                  \
  X(DROP_IP_SHORT) X(DROP_IP_VERSION) X(DROP_IP_HEADER_LEN) X(DROP_IP_TOTAL_LEN)                   \
  X(DROP_IP_CHECKSUM) X(DROP_IP_OPTIONS) X(DROP_IP_SOURCE_ROUTE) X(DROP_IP_SOURCE)                 \
  X(DROP_IP_NOT_FOR_US) X(DROP_IP_BROADCAST)                                                       \
  X(DROP_IP6_EXT_HEADER) X(DROP_IP6_EXT_CHAIN) X(DROP_IP6_OPTION) X(DROP_IP6_ROUTING)              \
  X(DROP_IP6_FRAGMENT_CHAIN) X(DROP_IP6_NO_NEXT)                                                   \
  X(DROP_FRAGMENT_SIZE) X(DROP_FRAGMENT_OVERLAP) X(DROP_FRAGMENT_TOO_BIG) X(DROP_FRAGMENT_LIMIT)   \
  X(DROP_FRAGMENT_TIMEOUT) X(HELD_FRAGMENT) X(DROP_NO_PROTOCOL)                                    \
  X(DROP_OTHER_CORE)                                                                               \
  X(DROP_ICMP_SHORT) X(DROP_ICMP_CHECKSUM) X(DROP_ICMP_TYPE) X(DROP_ICMP_QUOTE)                    \
  X(DROP_ICMP_NO_SOCKET) X(DROP_ICMP_SEQUENCE) X(DROP_ICMP_LIMIT)                                  \
  X(DROP_UDP_SHORT) X(DROP_UDP_LEN) X(DROP_UDP_CHECKSUM) X(DROP_UDP_NO_SOCKET)                     \
  X(DROP_UDP_QUEUE_FULL)                                                                           \
  X(DROP_TCP_SHORT) X(DROP_TCP_OFFSET) X(DROP_TCP_CHECKSUM) X(DROP_TCP_BROADCAST)                  \
  X(DROP_TCP_SOURCE) X(DROP_TCP_NO_SOCKET) X(DROP_TCP_LISTEN_RST) X(DROP_TCP_LISTEN_ACK)           \
  X(DROP_TCP_LISTEN_FLAGS) X(DROP_SYN_BACKLOG) X(DROP_SYN_LIMIT) X(DROP_SYN_REPEAT)                \
  X(DROP_ACCEPT_QUEUE) X(DROP_SYN_DEFERRED) X(DROP_SYN_HELD) X(DROP_SYN_REFUSED) X(DROP_COOKIE)    \
  X(DROP_SYN_SENT_ACK) X(DROP_SYN_SENT_RST) X(DROP_SYN_SENT_NO_SYN) X(DROP_SYN_RCVD_ACK)           \
  X(DROP_SYN_RCVD_RST) X(DROP_PAWS) X(DROP_NO_TIMESTAMP) X(DROP_SEQ_OUTSIDE_WINDOW)                \
  X(DROP_RST_OUTSIDE_WINDOW) X(DROP_RST_CHALLENGED) X(DROP_SYN_CHALLENGED) X(DROP_NO_ACK)          \
  X(DROP_ACK_UNSENT) X(DROP_ACK_TOO_OLD) X(DROP_DATA_AFTER_FIN) X(DROP_DATA_AFTER_CLOSE)           \
  X(DROP_OUT_OF_ORDER_LIMIT)                                                                       \
  X(DROP_TIME_WAIT_RST) X(DROP_TIME_WAIT_SYN) X(DROP_TIME_WAIT_OLD) X(DROP_NO_MEMORY)              \
  X(DROP_REPLY_QUEUE_FULL)                                                                         \
  X(DROP_ETH_SHORT) X(DROP_ETH_TYPE) X(DROP_ETH_SOURCE) X(DROP_ETH_NOT_FOR_US) X(DROP_ETH_GROUP)   \
  X(DROP_ARP_SHORT) X(DROP_ARP_FORMAT) X(DROP_ARP_SENDER) X(DROP_ARP_NOT_FOR_US)                   \
  X(DROP_ARP_CONFLICT)                                                                             \
  X(DROP_ND_SHORT) X(DROP_ND_FORMAT) X(DROP_ND_OPTION) X(DROP_ND_HOP_LIMIT) X(DROP_ND_CHECKSUM)    \
  X(DROP_ND_ADDRESS) X(DROP_ND_NOT_FOR_US) X(DROP_ND_CONFLICT) X(DROP_ND_TYPE)                     \
  X(DROP_NO_NEIGHBOUR)
/* clang-format on */
typedef enum tct_verdict {
#define X(name) TCT_##name,
  TCT_VERDICTS(X)
#undef X
      TCT_VERDICT_COUNT
} tct_verdict;

/* Why a segment is sent, and why a connection ended. */
/* clang-format off */
#define TCT_WHYS(X)                                                                                \
  X(NONE, "nothing")                              X(SYN, "opening")                                \
  X(SYN_ACK, "answering the SYN")                 X(SYN_REXMIT, "SYN unanswered, sent again")      \
  X(SYN_ACK_REXMIT, "SYN,ACK unanswered, sent again")                                              \
  X(SYN_ACK_COOKIE, "SYN cookie: nothing is stored")                                               \
  X(HANDSHAKE_ACK, "completes the handshake")     X(DATA, "new data")                              \
  X(FIN, "no more data from this side")           X(FIN_REXMIT, "FIN sent again")                  \
  X(RTO, "retransmission time-out")               X(FAST_REXMIT, "fast retransmit")                \
  X(PARTIAL_ACK, "next hole after a partial ACK")                                                  \
  X(TLP, "tail loss probe")                       X(LIMITED_TRANSMIT, "limited transmit")          \
  X(RACK, "RACK: something sent later has arrived")                                                \
  X(REORDER, "RACK: the time allowed for reordering is over")                                      \
  X(RESCUE, "the last hole, on suspicion (RFC 6675)")                                              \
  X(FRTO, "new data to see whether the time-out was false")                                        \
  X(MTU_PROBE, "a larger segment, to see whether the path carries it")                             \
  X(MTU_REDUCED, "path MTU shrank: sent again smaller")                                            \
  X(SYN_DATA, "Fast Open: the SYN came through without its data, which goes again")               \
  X(REOPENED, "the window reopened: what it had refused goes again")                               \
  X(PROBE, "window probe")                        X(KEEPALIVE, "keep-alive probe")                 \
  X(WINDOW, "window update")                                                                       \
  X(SWS_OVERRIDE, "small segment: the window stayed small too long")                               \
  X(ACK_SECOND, "every second full segment")      X(ACK_DELAYED, "delayed ACK timer")              \
  X(ACK_QUICK, "quick ACK")                       X(ACK_DUP, "duplicate ACK: out of order")        \
  X(ACK_GAP_FILLED, "a gap was filled")                                                            \
  X(ACK_OLD, "outside the window, acknowledged again")                                             \
  X(ACK_READ, "all that came was read")               \
  X(ACK_FIN, "acknowledges the FIN")              X(ACK_CHALLENGE, "challenge ACK")                \
  X(ACK_UNSENT, "acknowledges what was never sent")                                                \
  X(ACK_PROBE, "answers a window probe")          X(ACK_TIME_WAIT, "TIME-WAIT answers")            \
  X(ACK_ECN, "tells of a congestion mark, or of its end")                                          \
  X(RST_NO_SOCKET, "nobody listens")              X(RST_LISTEN, "no such half-open connection")    \
  X(RST_BAD_ACK, "acknowledges nothing of ours")  X(RST_ABORT, "aborted")                          \
  X(RST_UNREAD, "closed with unread data")        X(RST_AFTER_CLOSE, "data after close")           \
  X(RST_REFUSED, "refused by the application")    X(RST_DRAIN, "drain deadline passed")            \
  X(ECHO_REPLY, "echo reply")                     X(ICMP_ERROR, "ICMP error")                      \
  X(DATAGRAM, "datagram")                         X(FRAGMENT, "fragment")                          \
  X(CLOSED, "closed in order")                    X(CLOSED_LOCAL, "closed before it opened")       \
  X(REFUSED, "the peer refused: RST answers the SYN")                                              \
  X(RESET, "reset by the peer")                   X(SYN_TIMEOUT, "SYNs unanswered")                \
  X(REXMIT_TIMEOUT, "data retransmitted in vain (R2)")                                             \
  X(USER_TIMEOUT, "user time-out")                X(KEEPALIVE_TIMEOUT, "keep-alives unanswered")   \
  X(FIN_WAIT_2_TIMEOUT, "the peer never closed its side")                                          \
  X(ICMP_UNREACHABLE, "ICMP unreachable")                                                          \
  X(ADDRESS_REMOVED, "the local address was removed")                                              \
  X(NO_MEMORY, "out of memory")                   X(LISTENER_CLOSED, "the listener was closed")    \
  X(ABORTED, "aborted by the application")                                                         \
  X(ARP, "ARP: asks who has an address, or says so")                                               \
  X(ND, "neighbour discovery: asks who has an address, or says so")                                \
  X(MLD, "tells switches and routers which groups we are in")
/* clang-format on */
typedef enum tct_why {
#define X(name, text) TCT_WHY_##name,
  TCT_WHYS(X)
#undef X
      TCT_WHY_COUNT
} tct_why;

/* RFC 9293 section 3.3.2 */
typedef enum tct_state {
  TCT_CLOSED,
  TCT_LISTEN,
  TCT_SYN_SENT,
  TCT_SYN_RECEIVED,
  TCT_ESTABLISHED,
  TCT_FIN_WAIT_1,
  TCT_FIN_WAIT_2,
  TCT_CLOSE_WAIT,
  TCT_CLOSING,
  TCT_LAST_ACK,
  TCT_TIME_WAIT,
  TCT_STATE_COUNT
} tct_state;

/* TCP's control bits as on the wire */
enum {
  TCT_FIN = 1,
  TCT_SYN = 2,
  TCT_RST = 4,
  TCT_PSH = 8,
  TCT_ACK = 16,
  TCT_URG = 32,
  TCT_ECE = 64,
  TCT_CWR = 128
};

typedef enum tct_timer {
  TCT_TIMER_NONE,
  TCT_TIMER_REXMIT,
  TCT_TIMER_PERSIST,
  TCT_TIMER_KEEPALIVE,
  TCT_TIMER_FIN_WAIT_2,
  TCT_TIMER_TIME_WAIT,
  TCT_TIMER_DELACK,
  TCT_TIMER_OVERRIDE,
  TCT_TIMER_USER,
  TCT_TIMER_SYN_ACK,
  TCT_TIMER_PACE,
  TCT_TIMER_LINGER,
  TCT_TIMER_TLP,
  TCT_TIMER_REORDER
} tct_timer;

#endif
