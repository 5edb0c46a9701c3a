/* SPDX-License-Identifier: MIT */
/*
 * stack.h - what the layers of one stack share: the stack itself, a received packet on its way up,
 * the answers that wait for tct_output, and the few functions that a layer may call sideways.
 *
 * Included by ip/, udp/, tcp/ and sock/. Each sub-state belongs to one folder: `ip` to ip/, `tcp`
 * to tcp/, `udp` to udp/, all else to stack.c. Down is called directly (tct_ip_*), up only from
 * stack.c and ip/ip_input.c.
 */
#ifndef TCT_STACK_H
#define TCT_STACK_H

#include "tercet/tercet.h"
#include "util/assert.h"
#include "util/chunk.h"
#include "util/list.h"
#include "util/mem.h"
#include "util/prng.h"
#include "util/slab.h"
#include "util/table.h"
#include "util/time.h"
#include "util/wheel.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ip.h"

#define TCT_OUT_HEADER_MAX 128 /* IP + extension + TCP with options, rounded */
#define TCT_OUT_LINK_MAX 16    /* Ethernet, rounded */
#define TCT_OUT_PIECES_MAX 20  /* header + payload pieces of one frame */

/* One received IP packet. Valid for the call only. */
struct tct_pkt {
  struct tct_ip_hdr ip;
  uint32_t ifi;       /* index of the interface */
  const uint8_t *l4;  /* upper-layer header: ip.payload */
  uint32_t l4_have;   /* readable there in one piece: all headers, maybe all */
  uint32_t l4_len;    /* upper-layer header + data, over all pieces */
  const tct_iov *iov; /* the frame from its IP header on (for checksums over pieces) ... */
  uint32_t n_iov;
  uint32_t l4_at;    /* ... and where in it the upper layer begins */
  uint16_t seg_size; /* GRO: payload bytes of each segment but the last; 0: one segment */
  uint8_t csum;      /* tct_csum */
  bool reassembled;  /* iov is then the one flat reassembled packet */
  bool known_pair;   /* from a unicast peer to an address of ours, for sure */
  tct_time at;       /* arrival at this machine */
  tct_sock sock;     /* out: who got it */
  tct_seg seg;       /* TCP fills this in for the trace */
};

/* Answers fixed by what came in: RST, SYN-ACK, TIME-WAIT's ACK, ICMP, and fragments of datagrams.
 * Owner: ip/ip_reply.c. A ring of bytes, grown by doubling up to limits.reply_bytes. */
struct tct_replies {
  uint8_t *ring;
  uint32_t cap, head, used; /* bytes */
  uint32_t lent;            /* bytes at head that the last tct_output still shows */
  void *retired;            /* rings before this one that it shows; NULL: none */
};

/* Nothing waits and nothing is shown, as mostly. */
static inline bool tct_ip_reply_is_idle(const struct tct_replies *r) {
  return r->used == 0 && r->retired == NULL;
}

struct tct_iface {
  tct_if_config cfg;
  uint32_t gen;
  bool up;
  struct tct_list tcp_ready; /* connections that tcp_plan must be asked about */
  struct tct_list udp_ready; /* sockets with datagrams to send */
  struct tct_replies replies;
};

/* Each folder declares its own state; these are opaque to the others. */
struct tct_ip_state;
struct tct_tcp_state;
struct tct_udp_state;
struct tct_link_state;

struct tct_out {                  /* scratch for one outgoing frame */
  uint8_t room[TCT_OUT_LINK_MAX]; /* its last bytes, before `header`, take the link header */
  uint8_t header[TCT_OUT_HEADER_MAX];
  tct_iov iov[TCT_OUT_PIECES_MAX + 1]; /* one more for a link header that has no room before */
};

struct tct_stack {
  tct_config cfg;  /* defaults resolved: no zero left that means "default" */
  tct_alloc alloc; /* counts bytes, then calls cfg.alloc */
  uint64_t memory_bytes;
  tct_keys keys;
  struct tct_prng prng;
  tct_time now;    /* last time seen */
  uint32_t now_ms; /* the same as tct_time_ms32 tells it */
  struct tct_wheel wheel;
  struct tct_chunk_pool chunks;
  struct tct_list events; /* TCP sockets with news (struct tct_tcp.event) */
  struct tct_iface *ifs;
  uint32_t n_ifs;
  struct tct_link_state *link;
  struct tct_ip_state *ip;
  struct tct_tcp_state *tcp;
  struct tct_udp_state *udp;
  struct tct_out *out; /* TCT_BURST_MAX of them */
  uint64_t *tokens;    /* ring of lent memory's tokens to give back; grown by doubling */
  uint32_t tokens_cap, tokens_head, tokens_n, tokens_lent;
  bool seg_told;   /* the frame at hand became a segment, and the trace was told so */
  bool copies;     /* stack.c: what goes out now will be copied, and summed on the way */
  bool event_turn; /* whose news comes first: TCP's and UDP's alternate */
  tct_counters n;
  uint64_t verdicts[TCT_VERDICT_COUNT];
};

/* ---- stack.c ------------------------------------------------------------------------------- */

/* The interface of a handle, NULL if stale. */
struct tct_iface *tct_stack_if(tct_stack *s, tct_if i);
tct_if tct_stack_if_handle(const tct_stack *s, uint32_t ifi);
void *tct_stack_alloc(tct_stack *s, size_t size);                      /* zeroed; NULL if none */
void *tct_stack_alloc_front(tct_stack *s, size_t size, size_t zeroed); /* zeroed so far */
void tct_stack_free(tct_stack *s, void *p, size_t size);               /* p may be NULL */
/* The same for blocks that come and go all the time: one that is given back is kept for the next,
 * and not counted meanwhile. end_kept gives it back for good. */
void *tct_stack_alloc_kept(tct_stack *s, void **kept, size_t size, size_t zeroed);
void tct_stack_keep(tct_stack *s, void **kept, void *p, size_t size);
void tct_stack_end_kept(tct_stack *s, void **kept, size_t size);
/* Lent memory: room for its token is made before it is taken (false: no memory), so none is ever
 * lost. */
bool tct_stack_expect_token(tct_stack *s);
void tct_stack_return_token(tct_stack *s, uint64_t token); /* for tct_returned_next */
static inline bool tct_stack_traces(const tct_stack *s) {
  return s->cfg.trace != NULL;
}
void tct_stack_trace(tct_stack *s, tct_trace *t); /* sets t->at, calls the sink */

/* ---- stack_owner.c: several stacks, one address ---------------------------------------------- */

struct tct_conversation {
  tct_addr local, remote;
  uint16_t lport, rport;
};
bool tct_stack_owner_is_us(const tct_stack *s, const struct tct_conversation *c);
/* The same of a packet put together from fragments, whatever it carries. */
bool tct_stack_owner_is_us_whole(const tct_stack *s, const struct tct_ip_hdr *ip);

/* ---- link/: Ethernet ------------------------------------------------------------------------- */

/* A new interface of the kind: TCT_OK, TCT_EINVAL, TCT_ENOMEM... */
int tct_link_if_add(tct_stack *s, const tct_if_config *c);
void tct_link_free(tct_stack *s);
/* An Ethernet frame: for us? ARP and neighbour discovery end here, IP packets go on up. */
tct_verdict tct_link_input(tct_stack *s, uint32_t ifi, tct_frame *f);
/* Gives n packets their link headers; those that no neighbour takes are left out. Returns the rest.
 */
size_t tct_link_output(tct_stack *s, uint32_t ifi, tct_frame *f, struct tct_out *out, size_t n);
enum tct_link_flow { TCT_LINK_TCP, TCT_LINK_UDP };
/* May a flow send to dst now? If its neighbour's address is being asked for: false, and `node`,
 * which is on no list, waits there; it comes back to the interface's ready list of its kind when
 * there is an answer or none is hoped for. */
bool tct_link_may_send(tct_stack *s, uint32_t ifi, tct_addr dst, struct tct_list *node,
                       enum tct_link_flow kind);
static inline bool tct_stack_may_send(tct_stack *s, uint32_t ifi, tct_addr dst,
                                      struct tct_list *node, enum tct_link_flow kind) {
  return s->ifs[ifi].cfg.link == TCT_LINK_IP || tct_link_may_send(s, ifi, dst, node, kind);
}
tct_time tct_link_next_deadline(const tct_stack *s);
void tct_link_advance(tct_stack *s);
/* A new address: false if it may be used at once; else *err is that of tct_if_addr_add. */
bool tct_link_addr_must_wait(tct_stack *s, uint32_t ifi, tct_addr a, unsigned prefix_len, int *err);
int tct_link_addr_state(const tct_stack *s, uint32_t ifi, tct_addr a); /* of those that wait */
void tct_link_on_addr_added(tct_stack *s, uint32_t ifi, tct_addr a);
bool tct_link_addr_forget(tct_stack *s, uint32_t ifi, tct_addr a); /* true: it was one that waits */
void tct_link_check(const tct_stack *s);

/* ---- ip/: what TCP and UDP may ask --------------------------------------------------------- */

int tct_ip_new(tct_stack *s); /* TCT_OK or TCT_ENOMEM */
void tct_ip_free(tct_stack *s);
/* One frame: parse, decide whether it is for us, reassemble, hand up. Returns the verdict. */
tct_verdict tct_ip_input(tct_stack *s, uint32_t ifi, tct_frame *f);
tct_time tct_ip_next_deadline(const tct_stack *s); /* reassembly, PMTU ageing */
void tct_ip_advance(tct_stack *s);

/* Where packets to dst leave, and from which address: route, then source by RFC 6724. */
struct tct_ip_path {
  tct_addr src;
  uint32_t ifi;
  uint32_t mtu; /* path MTU as known */
};
/* src_want: all zero (or the family's any): choose. ifi_want: UINT32_MAX: any interface.
 * TCT_ENETUNREACH, TCT_EADDRNOTAVAIL, TCT_ENETDOWN; broadcast and multicast are the caller's. */
int tct_ip_path(tct_stack *s, tct_addr dst, tct_addr src_want, uint32_t ifi_want,
                struct tct_ip_path *out);
void tct_ip_path_forget(tct_stack *s); /* what the choice may depend on has changed */
bool tct_ip_is_local(const tct_stack *s, tct_addr a); /* one of ours */
bool tct_ip_is_multicast(tct_addr a);
bool tct_ip_is_broadcast(const tct_stack *s, tct_addr a); /* limited, or of a subnet of ours */
bool tct_ip_is_any(tct_addr a);                           /* ::, or ::ffff:0.0.0.0 */
static inline bool tct_ip_equal(tct_addr a, tct_addr b) {
  return memcmp(a.b, b.b, sizeof a.b) == 0;
}
/* Loopback, 0/8, multicast, broadcast, 240/4, our own: no peer has this address. */
bool tct_ip_is_bad_source(const tct_stack *s, uint32_t ifi, tct_addr a);
uint32_t tct_ip_pmtu(tct_stack *s, tct_addr dst, uint32_t ifi); /* <= the interface's MTU */

/* An outgoing packet whose transport header and payload are ready. */
struct tct_ip_tx {
  tct_addr src, dst;
  uint32_t ifi;
  uint8_t proto, hop_limit, tclass;
  bool dont_frag;
  uint32_t flow_label;
};
static inline size_t tct_ip_header_len(tct_addr dst) {
  return tct_bytes_addr_is_ipv4(&dst) ? 20 : 40;
}
/* Writes the IP header for l4_len bytes above it; returns its length. ip/ip_output.c. */
size_t tct_ip_output_header(tct_stack *s, const struct tct_ip_tx *tx, uint32_t l4_len, uint8_t *p);
/* The reply queue of a new interface; false: no memory. */
bool tct_ip_reply_init(tct_stack *s, struct tct_replies *r);
/* Copies a whole answer (transport header and payload, checksum done) into the interface's reply
 * queue, as fragments if it must. False (DROP_REPLY_QUEUE_FULL counted) when it does not fit. */
bool tct_ip_reply(tct_stack *s, const struct tct_ip_tx *tx, const void *l4, uint32_t len,
                  tct_why why);
/* A frame that is whole, as it stands. */
bool tct_ip_reply_raw(tct_stack *s, uint32_t ifi, const void *frame, uint32_t len, tct_why why);
static inline bool tct_ip_reply_is_waiting(const tct_stack *s, uint32_t ifi) {
  return s->ifs[ifi].replies.lent < s->ifs[ifi].replies.used;
}
/* Moves up to n queued answers to frames. */
size_t tct_ip_reply_output(tct_stack *s, uint32_t ifi, tct_frame *f, struct tct_out *out, size_t n);
/* Sends an ICMP error about p, under all the rules about when not to. ip/icmp.c. */
void tct_icmp_send_error(tct_stack *s, const struct tct_pkt *p, struct tct_ip_problem what);
/* IPv6 flow label: constant for a tuple, not guessable (RFC 6437). */
uint32_t tct_ip_flow_label(tct_stack *s, tct_addr src, tct_addr dst, uint16_t sport,
                           uint16_t dport);

/* What an ICMP error says, for the transport that it quotes. */
struct tct_icmp_event {
  uint8_t kind; /* enum tct_icmp_kind */
  uint8_t code;
  int err;                /* TCT_E* as Linux maps it */
  bool hard;              /* unreachable 2, 3, 4 and their ICMPv6 kin */
  uint32_t mtu;           /* of "too big", checked against the floor and the interface */
  tct_addr local, remote; /* the quoted packet's source and destination */
  uint16_t lport, rport;
  uint32_t seq;
  bool has_seq;
  uint32_t ifi;
};

/* ---- tcp/ and udp/: what ip/ and stack.c may ask ------------------------------------------- */

int tct_tcp_new(tct_stack *s);
void tct_tcp_free(tct_stack *s);
/* A burst is about to come in: what its connections have in memory is asked for, all at once. */
size_t tct_tcp_demux_prefetch(tct_stack *s, const tct_frame *f, size_t n);
tct_verdict tct_tcp_input(tct_stack *s, struct tct_pkt *p);                   /* tcp_demux.c */
tct_verdict tct_tcp_icmp_input(tct_stack *s, const struct tct_icmp_event *e); /* tcp_icmp.c */
/* Fills frames from connections that have something to send. */
size_t tct_tcp_output(tct_stack *s, uint32_t ifi, tct_frame *f, struct tct_out *out, size_t n);
void tct_tcp_advance(tct_stack *s); /* fires what is due on the wheel */
tct_time
tct_tcp_next_deadline(const tct_stack *s); /* SYN cache and TIME-WAIT; the wheel is stack.c's */
/* The flows on this list wait for a neighbour that does not answer: a soft error each; then they
 * may send, which is lost, so that their own timers decide. */
void tct_tcp_on_no_neighbour(tct_stack *s, struct tct_list *flows);
void tct_tcp_on_addr_removed(tct_stack *s, tct_addr a);
void tct_tcp_on_mtu(tct_stack *s, uint32_t ifi, tct_addr dst,
                    uint32_t mtu); /* dst any: the interface's */

int tct_udp_new(tct_stack *s);
void tct_udp_free(tct_stack *s);
tct_verdict tct_udp_input(tct_stack *s, struct tct_pkt *p);
tct_verdict tct_udp_icmp_input(tct_stack *s, const struct tct_icmp_event *e);
size_t tct_udp_output(tct_stack *s, uint32_t ifi, tct_frame *f, struct tct_out *out, size_t n);
void tct_udp_on_no_neighbour(tct_stack *s, struct tct_list *flows);
bool tct_udp_event_next(tct_stack *s, tct_event *ev);
/* Handles of UDP sockets have the top bit of the index set: sock/sock.c dispatches on it. The calls
 * below mirror the public ones of the same name. */
#define TCT_SOCK_UDP_BIT 0x80000000u
int tct_udp_open(tct_stack *s, void *user, tct_sock *out);
int tct_udp_bind(tct_stack *s, tct_sock k, const tct_endpoint *local);
int tct_udp_connect(tct_stack *s, tct_sock k, const tct_endpoint *remote);
int tct_udp_close(tct_stack *s, tct_sock k);
int tct_udp_abort(tct_stack *s, tct_sock k);
int tct_udp_set(tct_stack *s, tct_sock k, tct_opt o, int64_t value);
int tct_udp_get(tct_stack *s, tct_sock k, tct_opt o, int64_t *value);
int tct_udp_ready(tct_stack *s, tct_sock k);
int tct_udp_name(tct_stack *s, tct_sock k, tct_endpoint *local, tct_endpoint *remote);
int tct_udp_user(tct_stack *s, tct_sock k, void **user);
bool tct_udp_next(tct_stack *s, tct_sock *cursor);
long tct_udp_send(tct_stack *s, tct_sock k, const tct_dgram *d, const void *buf, size_t len);
long tct_udp_recv(tct_stack *s, tct_sock k, tct_dgram *d, void *buf, size_t len, unsigned flags);

#endif
