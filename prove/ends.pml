/* SPDX-License-Identifier: MIT */
/*
 * ends.pml - P9: both ends of a connection and the net between them, for Spin; prove/run has the
 * list of worlds (-D...) and what each is asked. The states move by transitions.def and by nothing
 * else; what stands here is what leads to an event: numbers, windows, what is owed, the net.
 *
 *   BOTH_ACTIVE   both call OPEN at once (else end 1 listens)
 *   BYTES=n       each end has up to n bytes to send, then FIN; 0 to 3
 *   ONE_WAY       only end 0 has any
 *   SHUT          a receive buffer, which the application may leave full: the window is what is free
 *   BUFFER=n      of so many bytes, 1 to 3 (1)
 *   RIDES         FIN may go with the last byte in one segment
 *   ABORTS        an application may ABORT
 *   REFUSES       an application that has closed takes no more data (close); else it does (shutdown)
 *   OLD           one segment of an earlier connection may be in each direction
 *   LOSSES=n DOUBLES=n   so many; FREE_LOSS: without limit
 *   REORDER       any segment may be overtaken
 *   HOLDS         text and FIN that come out of order are kept until the gap is filled
 *   LIVE          senders are fair
 *   DEPTH=n       segments under way, each direction
 *   LATE          nobody closes before the connection is open
 *   FOLLOWS       a simulation follows what two real stacks did (test/model/ends_told.c), from stdin
 *   TRACE         a simulation (spin -T) tells all that happens, for test/model/ends.c
 *
 * Simplified, and why that is safe here: numbers are small and do not wrap (that is P1's); without
 * HOLDS text out of order is dropped (P6 has the ranges); times are any order of events, but 2 MSL, which outlasts
 * every segment under way; segments carry one byte.
 */
#ifndef BYTES
#define BYTES 0
#endif
#ifndef LOSSES
#define LOSSES 0
#endif
#ifndef DOUBLES
#define DOUBLES 0
#endif
#ifndef BUFFER
#ifdef SHUT
#define BUFFER 1
#else
#define BUFFER 3
#endif
#endif
#ifdef SHUT
#define SHUTS 1
#else
#define SHUTS 0
#endif
#ifdef REFUSES
#define REFUSING 1
#else
#define REFUSING 0
#endif
#ifndef DEPTH
#define DEPTH 2
#endif

#define S_CLOSED 0
#define S_LISTEN 1
#define S_SYN_SENT 2
#define S_SYN_RECEIVED 3
#define S_ESTABLISHED 4
#define S_FIN_WAIT_1 5
#define S_FIN_WAIT_2 6
#define S_CLOSE_WAIT 7
#define S_CLOSING 8
#define S_LAST_ACK 9
#define S_TIME_WAIT 10

#define E_OPEN 1
#define E_LISTEN 2
#define E_CLOSE 3
#define E_ABORT 4
#define E_GIVE_UP 5
#define E_WAIT_OVER 6
#define E_SYN 7
#define E_SYN_ACK 8
#define E_ACK 9
#define E_RST 10
#define E_DATA 11
#define E_FIN 12

#define A_NONE 0
#define A_ACK 1
#define A_RST 2
#define A_SYN 3
#define A_SYN_ACK 4
#define A_FIN 5

/* flags of a segment */
#define SYN 1
#define ACK 2
#define FIN 4
#define RST 8
#define PSH 16 /* carries a byte */
#define is(x) ((f & (x)) != 0)

chan net[2] = [DEPTH] of {byte, byte, byte, byte}; /* to end i: flags, seq, ack, window */

byte st[2];
byte irs[2], una[2], nxt[2], rnxt[2];
byte wnd[2];    /* the peer's window, as told */
byte room[2];   /* ours */
byte total[2];  /* bytes that the application writes */
#if defined(SHUT) && !defined(LIVE) /* there nothing overtakes: the last one told is the newest */
#define MINDS_OLD_WINDOWS
byte wl1[2], wl2[2]; /* SEQ and ACK of the segment that told the window last */
#endif
bit taken[2];   /* our SYN is acknowledged */
bit owes[2];    /* an ACK */
bit closed[2];  /* the application has closed */
bit opened[2];  /* it has called OPEN or LISTEN */
bit reset;      /* a RST was sent by somebody: what follows needs no agreement */
#ifdef HOLDS
byte held[2]; /* one bit a byte beyond the gap; HELD_FIN */
#define HELD_FIN 128
#define BIT_OF(i, n) (1 << ((n) - irs[i] - 1))
#endif
byte losses, doubles;

#if defined(FOLLOWS)
bit listens[2];
#define PASSIVE(i) (listens[i] != 0)
#elif defined(BOTH_ACTIVE)
#define PASSIVE(i) 0
#else
#define PASSIVE(i) ((i) == 1)
#endif

#define ISS(i) (10 + 20 * (i))
#define FIN_SEQ(i) (ISS(i) + 1 + total[i])
#define WINDOW(i) room[i]
#define may_receive(i) (st[i] == S_ESTABLISHED || st[i] == S_FIN_WAIT_1 || st[i] == S_FIN_WAIT_2)
#define synchronized(i) (st[i] >= S_ESTABLISHED)
#define wants_fin(i) (st[i] == S_FIN_WAIT_1 || st[i] == S_CLOSING || st[i] == S_LAST_ACK)
#define is_end(i) (opened[i] && st[i] == S_CLOSED)

/* The table, as arrays that belong to no state; `next` 0 answers 0: no row, nothing moves. */
#define EVENTS 13
#define AT(record, state, event) ((record) * 11 * EVENTS + (state) * EVENTS + (event))
hidden byte row_next[2 * 11 * EVENTS];
hidden byte row_answer[2 * 11 * EVENTS];
hidden byte row_there[2 * 11 * EVENTS];

#define MOVE(state, event, next, ans) ROW(0, S_##state, E_##event, S_##next, A_##ans)
#define RECORD(state, event, next, ans) ROW(1, S_##state, E_##event, S_##next, A_##ans)
#define ROW(record, state, event, next, ans)                                                       \
  row_next[AT(record, state, event)] = next;                                                       \
  row_answer[AT(record, state, event)] = ans;                                                      \
  row_there[AT(record, state, event)] = true;
inline read_table() {
#include "transitions.def"
  skip
}

/* In SYN-RECEIVED a passive end is a record and has its own rows. */
#define RULE(i, e) AT((PASSIVE(i) && st[i] == S_SYN_RECEIVED -> 1 : 0), st[i], e)

/* What test/model/ends.c reads: `@ END WHAT ...`; IS ends each step. */
#ifdef TRACE
#define SAY(...) printf(__VA_ARGS__);
#else
#define SAY(...)
#endif
#define IS(i)                                                                                      \
  SAY("@ %d IS %d %d %d %d %d %d\n", i, st[i], una[i], nxt[i], rnxt[i], owes[i], una[i] + wnd[i])

/* One row of the table, or none. */
inline move(i, e) {
  if
  :: row_there[RULE(i, e)] ->
       answer = row_answer[RULE(i, e)];
       st[i] = row_next[RULE(i, e)]
  :: else -> answer = A_NONE
  fi;
  if
  :: answer == A_ACK -> owes[i] = 1
  :: answer == A_RST -> reset = 1; SAY("@ %d ABORTS\n", i) put(i, RST, nxt[i], 0)
  :: else -> skip /* SYN, SYN_ACK, FIN: sent from the state, until acknowledged */
  fi;
  if
  :: is_end(i) -> owes[i] = 0
  :: else -> skip
  fi
}

/* What the net has no room for is lost; a segment that is under way already is not sent again. */
inline put(i, flags, at, ackd) {
  SAY("@ %d PUT %d %d %d\n", i, flags, at, ackd)
  if
  :: full(net[1 - i]) -> skip
  :: nfull(net[1 - i]) && net[1 - i]??[eval(flags), eval(at), eval(ackd), eval(WINDOW(i))] -> skip
  :: nfull(net[1 - i]) && !(net[1 - i]??[eval(flags), eval(at), eval(ackd), eval(WINDOW(i))]) ->
       net[1 - i]!(flags), (at), (ackd), WINDOW(i)
  fi
}

/* ---- The application ---- */

#ifdef LATE
#define OPEN_YET(i) (st[i] >= S_ESTABLISHED)
#else
#define OPEN_YET(i) 1
#endif

proctype App(bit i) {
  byte answer;
  atomic {
    opened[i] = 1;
#ifdef BOTH_ACTIVE
    SAY("@ %d OPEN %d\n", i, total[i])
    move(i, E_OPEN);
#else
    if
    :: i == 0 -> SAY("@ %d OPEN %d\n", i, total[i]) move(i, E_OPEN)
    :: else -> SAY("@ %d LISTEN %d\n", i, total[i]) move(i, E_LISTEN)
    fi;
#endif
    nxt[i] = ISS(i);
    una[i] = ISS(i);
    IS(i)
  }
  do
  :: atomic { !closed[i] && st[i] != S_CLOSED && st[i] != S_LISTEN && OPEN_YET(i) &&
              !(st[i] == S_SYN_RECEIVED && PASSIVE(i)) ->
       closed[i] = 1;
       SAY("@ %d CLOSE\n", i)
       move(i, E_CLOSE);
       IS(i) }
#ifdef ABORTS
  :: atomic { st[i] != S_CLOSED && st[i] != S_LISTEN && st[i] != S_TIME_WAIT &&
              !(st[i] == S_SYN_RECEIVED && PASSIVE(i)) ->
       closed[i] = 1;
       SAY("@ %d ABORT\n", i)
       move(i, E_ABORT);
       IS(i) }
#endif
#ifdef SHUT
  /* a byte is read; who had no window, or half of it, is told */
  :: atomic { room[i] < BUFFER && st[i] != S_CLOSED ->
       SAY("@ %d READ\n", i)
       room[i] = room[i] + 1;
       owes[i] = synchronized(i);
       IS(i) }
#endif
  /* both are through, or the listener waits for nobody */
  :: atomic { st[i] == S_LISTEN && is_end(1 - i) && empty(net[i]) ->
       closed[i] = 1;
       SAY("@ %d CLOSE\n", i)
       move(i, E_CLOSE);
       IS(i) }
  :: is_end(i) -> break
  od
}

#define GIVES_UP(i) (is_end(1 - i) && empty(net[i]) && empty(net[1 - i]) && \
                     st[i] != S_CLOSED && st[i] != S_LISTEN && st[i] != S_TIME_WAIT && \
                     st[i] != S_FIN_WAIT_2 && !(st[i] == S_SYN_SENT && !opened[1 - i]))

/* ---- Sending: from the state, again and again until it is acknowledged ---- */

/* Who asks for an end in time (LIVE) must be fair: what is owed and what is repeated are processes of
 * their own then, so that neither keeps the other from happening, and the oldest is repeated first.
 * Else any order will do. */
#ifdef LIVE
#define MAY_SEND(i) (part == 1)
#define MAY_ACK(i) (part == 0)
#define OLDEST(i) (una[i] == FIN_SEQ(i) || nxt[i] == FIN_SEQ(i))
#else
#define MAY_SEND(i) 1
#define MAY_ACK(i) 1
#define OLDEST(i) 1
#endif

proctype Out(bit i; bit part) {
  byte answer;
end:
  do
  :: atomic { MAY_SEND(i) && st[i] == S_SYN_SENT -> nxt[i] = ISS(i) + 1; put(i, SYN, ISS(i), 0); IS(i) }
  :: atomic { MAY_SEND(i) && (st[i] == S_SYN_RECEIVED || (st[i] == S_FIN_WAIT_1 && !taken[i])) ->
       if
       :: nxt[i] == ISS(i) -> nxt[i] = ISS(i) + 1
       :: else -> skip
       fi;
       put(i, SYN | ACK, ISS(i), rnxt[i]);
       IS(i) }
  :: atomic { MAY_ACK(i) && owes[i] && synchronized(i) ->
       owes[i] = 0; put(i, ACK, nxt[i], rnxt[i]); IS(i) }
#if BYTES > 0
  /* new data in the window or, into a shut one, a probe; and what is not acknowledged again */
  :: atomic { MAY_SEND(i) && (st[i] == S_ESTABLISHED || st[i] == S_CLOSE_WAIT || wants_fin(i)) && taken[i] &&
              nxt[i] < FIN_SEQ(i) && (nxt[i] < una[i] + wnd[i] || nxt[i] == una[i]) ->
       put(i, PSH | ACK, nxt[i], rnxt[i]);
       nxt[i] = nxt[i] + 1;
       IS(i) }
  :: atomic { MAY_SEND(i) && (st[i] == S_ESTABLISHED || st[i] == S_CLOSE_WAIT || wants_fin(i)) && taken[i] &&
              una[i] < nxt[i] && una[i] < FIN_SEQ(i) ->
       put(i, PSH | ACK, una[i], rnxt[i]);
       IS(i) }
#ifdef RIDES
  :: atomic { MAY_SEND(i) && wants_fin(i) && taken[i] && total[i] > 0 && una[i] < FIN_SEQ(i) &&
              (nxt[i] == FIN_SEQ(i) - 1 || (nxt[i] > FIN_SEQ(i) && una[i] == FIN_SEQ(i) - 1)) &&
              FIN_SEQ(i) < una[i] + wnd[i] ->
       nxt[i] = FIN_SEQ(i) + 1;
       put(i, PSH | FIN | ACK, FIN_SEQ(i) - 1, rnxt[i]);
       IS(i) }
#endif
#endif
  :: atomic { MAY_SEND(i) && OLDEST(i) && wants_fin(i) && taken[i] && nxt[i] >= FIN_SEQ(i) && una[i] <= FIN_SEQ(i) &&
              (nxt[i] > FIN_SEQ(i) || nxt[i] < una[i] + wnd[i] || nxt[i] == una[i]) ->
       nxt[i] = FIN_SEQ(i) + 1;
       put(i, FIN | ACK, FIN_SEQ(i), rnxt[i]);
       IS(i) }
  /* 2 MSL outlast what is under way and what the peer still says */
  :: atomic { st[i] == S_TIME_WAIT && empty(net[0]) && empty(net[1]) && !owes[i] ->
       SAY("@ %d WAIT_OVER\n", i)
       move(i, E_WAIT_OVER);
       IS(i) }
#ifdef REFUSES
  :: atomic { st[i] == S_FIN_WAIT_2 && is_end(1 - i) && empty(net[i]) ->
       SAY("@ %d WAIT_OVER\n", i)
       move(i, E_WAIT_OVER);
       IS(i) }
#endif
  /* whoever waits for an end that is gone gives up */
  :: atomic { GIVES_UP(i) ->
       reset = 1;
       SAY("@ %d GIVE_UP\n", i)
       move(i, E_GIVE_UP);
       IS(i) }
  :: is_end(i) -> break
  od
}

/* ---- A segment arrives: RFC 9293 section 3.10.7, in its order ---- */

inline to_nobody(i) {
  if
  :: is(RST) -> skip
  :: !is(RST) && is(ACK) -> reset = 1; put(i, RST, a, 0)
  :: else -> reset = 1; put(i, RST | ACK, 0, s + size)
  fi
}

#ifdef MINDS_OLD_WINDOWS
#define TOLD(i) wl1[i] = s; wl2[i] = a;
#define is_newer(i) (a > una[i] || (a == una[i] && (wl1[i] < s || (wl1[i] == s && wl2[i] <= a))))
/* An old segment's window does not count (RFC 9293 3.10.7.4). */
inline take_window(i) {
  if
  :: !taken[i] || is_newer(i) -> wnd[i] = w; wl1[i] = s; wl2[i] = a
  :: else -> skip
  fi
}
#else
#define TOLD(i)
inline take_window(i) {
  wnd[i] = w
}
#endif

inline on_listen(i) {
  if
  :: is(RST) -> skip
  :: !is(RST) && is(ACK) -> put(i, RST, a, 0)
  :: !is(RST) && !is(ACK) && is(SYN) ->
       irs[i] = s;
       rnxt[i] = s + 1;
       wnd[i] = w;
       TOLD(i)
       nxt[i] = ISS(i) + 1;
       una[i] = ISS(i);
       move(i, E_SYN)
  :: else -> skip
  fi
}

inline on_syn_sent(i) {
  if
  :: is(ACK) && (a <= ISS(i) || a > nxt[i]) ->
       if
       :: is(RST) -> skip
       :: else -> put(i, RST, a, 0)
       fi
  :: is(RST) && is(ACK) && a > ISS(i) && a <= nxt[i] -> move(i, E_RST)
  :: is(RST) && !is(ACK) -> skip
  :: !is(RST) && is(SYN) && (!is(ACK) || (a > ISS(i) && a <= nxt[i])) ->
       irs[i] = s;
       rnxt[i] = s + 1;
       wnd[i] = w;
       TOLD(i)
       if
       :: is(ACK) -> una[i] = a; taken[i] = 1; move(i, E_SYN_ACK)
       :: else -> move(i, E_SYN)
       fi
  :: else -> skip
  fi
}

#define in_window ((s == rnxt[i]) || (s > rnxt[i] && s < rnxt[i] + WINDOW(i)))
#define ends_in_window (size > 0 && WINDOW(i) > 0 && s <= rnxt[i] && s + size > rnxt[i])
#define acceptable ((WINDOW(i) == 0 && s == rnxt[i] && size == 0) || \
                    (WINDOW(i) > 0 && in_window) || ends_in_window)

inline on_ack(i) {
  if
  :: !taken[i] && (a <= una[i] || a > nxt[i]) -> ok = 0; put(i, RST, a, 0)
  :: taken[i] && a > nxt[i] -> ok = 0; owes[i] = 1
  :: else ->
       take_window(i);
       if
       :: a > una[i] -> una[i] = a
       :: else -> skip
       fi;
       if
       :: !taken[i] ->
            taken[i] = 1;
            if
            :: st[i] == S_SYN_RECEIVED -> move(i, E_ACK)
            :: else -> skip
            fi
       :: else -> skip
       fi;
       if
       :: wants_fin(i) && una[i] == FIN_SEQ(i) + 1 -> move(i, E_ACK)
       :: else -> skip
       fi
  fi
}

#ifdef REFUSES
#define REFUSED(i) && !closed[i]
#define NOT_REFUSED(i) && !(may_receive(i) && closed[i] && s >= rnxt[i] && WINDOW(i) > 0)
#else
#define REFUSED(i)
#define NOT_REFUSED(i)
#endif

#ifdef SHUT
#define TAKES_ROOM(i) room[i] = room[i] - 1
#else
#define TAKES_ROOM(i) skip
#endif

inline take_byte(i) {
  rnxt[i] = rnxt[i] + 1;
  TAKES_ROOM(i);
  owes[i] = 1
}

inline on_text(i) {
  if
#ifdef REFUSES
  :: is(PSH) && may_receive(i) && closed[i] && s >= rnxt[i] && WINDOW(i) > 0 ->
       move(i, E_DATA); /* RST, and the end */
       ok = 0
#endif
  :: is(PSH) && may_receive(i) && s == rnxt[i] && WINDOW(i) > 0 REFUSED(i) ->
       take_byte(i);
#ifdef HOLDS
       do
       :: (held[i] & BIT_OF(i, rnxt[i])) != 0 -> take_byte(i)
       :: else -> break
       od
#endif
  :: is(PSH) && !(may_receive(i) && s == rnxt[i] && WINDOW(i) > 0) NOT_REFUSED(i) ->
       owes[i] = 1;
#ifdef HOLDS
       if
       :: may_receive(i) && s > rnxt[i] -> held[i] = held[i] | BIT_OF(i, s)
       :: else -> skip
       fi
#endif
  :: !is(PSH) -> skip
  fi
}

#ifdef HOLDS
#define is_fin_here(i) ((held[i] & HELD_FIN) != 0 && rnxt[i] == FIN_SEQ(1 - i))
inline hold_fin(i) {
  if
  :: is(FIN) && may_receive(i) && s + size - 1 >= rnxt[i] &&
     s + size - 1 < rnxt[i] + WINDOW(i) -> held[i] = held[i] | HELD_FIN
  :: else -> skip
  fi
}
#else
#define is_fin_here(i) (is(FIN) && s + size - 1 == rnxt[i] && WINDOW(i) > 0)
#define hold_fin(i) skip
#endif

inline on_fin(i) {
  hold_fin(i);
  if
  :: may_receive(i) && is_fin_here(i) ->
       rnxt[i] = rnxt[i] + 1;
       /* all that the peer wrote is in, and nothing else */
       assert(reset || rnxt[i] == FIN_SEQ(1 - i) + 1);
       move(i, E_FIN)
  :: is(FIN) && !(may_receive(i) && is_fin_here(i)) -> owes[i] = 1
  :: else -> skip
  fi
}

inline on_others(i) {
  if
  :: !(acceptable) && is(RST) -> skip
  :: !(acceptable) && !is(RST) && !(is(SYN) && is(ACK) && st[i] == S_SYN_RECEIVED && s == irs[i]) ->
       if
       :: s == rnxt[i] && WINDOW(i) == 0 && is(ACK) && !is(SYN) -> ok = 1; on_ack(i); owes[i] = 1
       :: else -> owes[i] = 1
       fi
  :: acceptable && is(RST) ->
       if
       :: st[i] == S_TIME_WAIT -> skip /* RFC 1337 */
       :: s == rnxt[i] && st[i] != S_TIME_WAIT -> move(i, E_RST)
       :: else -> owes[i] = 1
       fi
  :: acceptable && !is(RST) && is(SYN) &&
     !(is(ACK) && st[i] == S_SYN_RECEIVED && s == irs[i]) ->
       if
       :: st[i] == S_SYN_RECEIVED -> move(i, E_SYN); owes[i] = !PASSIVE(i)
       :: else -> owes[i] = 1
       fi
  :: else -> /* acceptable, or the SYN,ACK that ends a simultaneous open */
       ok = is(ACK);
       if
       :: ok -> on_ack(i)
       :: else -> skip
       fi;
       if
       :: ok && !is(SYN) -> on_text(i)
       :: else -> skip
       fi;
       if
       :: ok && !is(SYN) -> on_fin(i)
       :: else -> skip
       fi
  fi
}
/* What holds whenever a segment has been taken in. */
inline agreement() {
#ifdef SHUT
  /* nobody may send beyond what the other has room for (a probe aside) */
  assert(reset || !(synchronized(0) && synchronized(1)) ||
         (una[0] + wnd[0] <= rnxt[1] + room[1] && una[1] + wnd[1] <= rnxt[0] + room[0]));
#endif
  assert(!(synchronized(0) && synchronized(1) && !reset && taken[0] && taken[1]) ||
         (irs[0] == ISS(1) && irs[1] == ISS(0)));
  /* nobody is through while the other is still open, but by RST */
  assert(reset || !(is_end(0) && st[1] == S_ESTABLISHED) && !(is_end(1) && st[0] == S_ESTABLISHED));
  assert(una[0] <= nxt[0] && una[1] <= nxt[1]);
  /* nothing is received that was not sent */
  assert(!(synchronized(0) && synchronized(1) && !reset) ||
         (rnxt[0] <= nxt[1] && rnxt[1] <= nxt[0]))
}

proctype In(bit i) {
  byte f, s, a, w, size, answer;
  bit ok;
end:
  do
  :: atomic { net[i]?f, s, a, w ->
       SAY("@ %d IN %d %d %d %d\n", i, f, s, a, w)
       size = (is(PSH) -> 1 : 0) + (is(SYN) -> 1 : 0) + (is(FIN) -> 1 : 0);
       if
       :: st[i] == S_CLOSED -> to_nobody(i)
       :: st[i] == S_LISTEN -> on_listen(i)
       :: st[i] == S_SYN_SENT -> on_syn_sent(i)
       :: else -> on_others(i)
       fi;
       IS(i)
       f = 0; s = 0; a = 0; w = 0; size = 0; ok = 0; answer = 0;
       agreement() }
  od
}

/* ---- The net ---- */

proctype Net() {
  byte f, s, a, w;
end:
  do
#ifdef FREE_LOSS
  :: atomic { nempty(net[0]) -> net[0]?f, s, a, w; f = 0; s = 0; a = 0; w = 0 }
  :: atomic { nempty(net[1]) -> net[1]?f, s, a, w; f = 0; s = 0; a = 0; w = 0 }
#endif
#if LOSSES > 0
  :: atomic { losses < LOSSES && nempty(net[0]) ->
       losses++; net[0]?f, s, a, w; f = 0; s = 0; a = 0; w = 0 }
  :: atomic { losses < LOSSES && nempty(net[1]) ->
       losses++; net[1]?f, s, a, w; f = 0; s = 0; a = 0; w = 0 }
#endif
#if DOUBLES > 0
  :: atomic { doubles < DOUBLES && nempty(net[0]) && nfull(net[0]) ->
       doubles++; net[0]?<f, s, a, w>; net[0]!f, s, a, w; f = 0; s = 0; a = 0; w = 0 }
  :: atomic { doubles < DOUBLES && nempty(net[1]) && nfull(net[1]) ->
       doubles++; net[1]?<f, s, a, w>; net[1]!f, s, a, w; f = 0; s = 0; a = 0; w = 0 }
#endif
#ifdef REORDER
  :: atomic { len(net[0]) > 1 -> net[0]?f, s, a, w; net[0]!f, s, a, w; f = 0; s = 0; a = 0; w = 0 }
  :: atomic { len(net[1]) > 1 -> net[1]?f, s, a, w; net[1]!f, s, a, w; f = 0; s = 0; a = 0; w = 0 }
#endif
  :: is_end(0) && is_end(1) -> break
  od
}

#ifdef OLD
/* Of an earlier connection of the same ports; its numbers lie below. */
inline leave_behind(i) {
  if
  :: skip
  :: net[i]!SYN, 3 + i, 0, 1
  :: net[i]!(SYN | ACK), 3 + i, 6, 1
  :: net[i]!ACK, 4 + i, 6, 1
  :: net[i]!(FIN | ACK), 4 + i, 6, 1
  :: net[i]!RST, 4 + i, 0, 1
  :: net[i]!(RST | ACK), 4 + i, 6, 1
  fi
}
#endif

#ifdef FOLLOWS
/* One step is a letter and digits from '0' on; a line each. */
chan STDIN;

inline get(x) {
  STDIN?k;
  x = k - 48
}

/* An octet at a time; a FIN goes with the last. */
inline told_in(i) {
  m = 0;
  do
  :: m == 0 || m < n ->
       f = flags; s = at + m; a = ackd; w = win;
       if
       :: n > 0 -> f = f | PSH
       :: else -> skip
       fi;
       if
       :: m + 1 < n && is(FIN) -> f = f - FIN
       :: else -> skip
       fi;
       size = (is(PSH) -> 1 : 0) + (is(SYN) -> 1 : 0) + (is(FIN) -> 1 : 0);
       if
       :: st[i] == S_CLOSED -> to_nobody(i)
       :: st[i] == S_LISTEN -> on_listen(i)
       :: st[i] == S_SYN_SENT -> on_syn_sent(i)
       :: else -> on_others(i)
       fi;
       m = m + 1
  :: else -> break
  od;
  agreement()
}

/* What left must be what this end might send. */
inline told_put(i) {
  fin = ((flags & FIN) != 0 -> 1 : 0);
  if
  :: (flags & RST) != 0 -> skip
  :: flags == SYN -> assert(st[i] == S_SYN_SENT && at == ISS(i)); nxt[i] = ISS(i) + 1
  :: flags == (SYN | ACK) ->
       assert((st[i] == S_SYN_RECEIVED || (st[i] == S_FIN_WAIT_1 && !taken[i])) && ackd == rnxt[i]);
       if
       :: nxt[i] == ISS(i) -> nxt[i] = ISS(i) + 1
       :: else -> skip
       fi
  :: else ->
       /* in SYN-RECEIVED the model says a SYN,ACK again instead of an ACK */
       assert(st[i] >= S_SYN_RECEIVED && ackd == rnxt[i] && at <= nxt[i]);
       assert(n + fin == 0 || synchronized(i));
       assert(n == 0 || (taken[i] && at >= una[i] && at + n <= FIN_SEQ(i) &&
                         (at + n <= una[i] + wnd[i] || (n == 1 && at == una[i])) &&
                         (st[i] == S_ESTABLISHED || st[i] == S_CLOSE_WAIT || wants_fin(i))));
       assert(fin == 0 || (wants_fin(i) && at + n == FIN_SEQ(i)));
       assert(n + fin > 0 || at == nxt[i]);
       if
       :: at + n + fin > nxt[i] -> nxt[i] = at + n + fin
       :: else -> skip
       fi
  fi
}

/* After each step: what the stack says of itself, 64: nothing. */
inline told_is(i) {
  assert(st[i] == is_st);
  assert(is_una == 64 || una[i] == is_una);
  assert(is_rnxt == 64 || rnxt[i] == is_rnxt);
  assert((len(net[1 - i]) > 0) == (rst != 0));
  do
  :: nempty(net[1 - i]) -> net[1 - i]?f, s, a, w
  :: empty(net[1 - i]) -> break
  od;
  /* an old SYN in TIME-WAIT meets silence */
  assert(!(owes[i] && by_segment && synchronized(i)) || acked ||
         (st[i] == S_TIME_WAIT && by_segment == 1 + SYN));
  assert(!(by_segment && bare && synchronized(i)) || owes[i]);
  owes[i] = 0
}

proctype Told() {
  byte f, s, a, w, size, answer, i, flags, at, ackd, win, n, m, fin;
  byte is_st, is_una, is_rnxt, rst, acked, bare, by_segment;
  bit ok;
  short k, line;
  do
  :: STDIN?k ->
       if
       :: k == 'O' || k == 'L' ->
            by_segment = (k == 'L' -> 1 : 0);
            get(i); get(n);
            listens[i] = by_segment;
            opened[i] = 1; total[i] = n; nxt[i] = ISS(i); una[i] = ISS(i);
            if
            :: by_segment -> move(i, E_LISTEN)
            :: else -> move(i, E_OPEN)
            fi;
            by_segment = 0
       :: k == 'C' -> get(i); closed[i] = 1; move(i, E_CLOSE); by_segment = 0
       :: k == 'A' -> get(i); closed[i] = 1; move(i, E_ABORT); by_segment = 0
       :: k == 'T' -> get(i); move(i, E_WAIT_OVER); by_segment = 0
       :: k == 'G' -> get(i); reset = 1; move(i, E_GIVE_UP); by_segment = 0
       :: k == 'I' ->
            get(i); get(flags); get(at); get(ackd); get(win); get(n);
            by_segment = 1 + flags;
            told_in(i)
       :: k == 'P' -> get(i); get(flags); get(at); get(ackd); get(n); told_put(i)
       :: k == 'X' ->
            get(i); get(is_st); get(is_una); get(is_rnxt); get(rst); get(acked); get(bare);
            told_is(i);
            by_segment = 0
       :: k == 10 -> line = line + 1; printf("# %d\n", line)
       :: k == 'E' -> break
       fi
  od
}
#endif

init {
  byte n;
  atomic {
    read_table();
    room[0] = BUFFER;
    room[1] = BUFFER;
#if BYTES > 0
    select(n : 0 .. BYTES);
    total[0] = n;
#ifndef ONE_WAY
    select(n : 0 .. BYTES);
    total[1] = n;
#endif
    n = 0;
#endif
#ifdef OLD
    leave_behind(0);
    leave_behind(1);
#endif
#ifdef FOLLOWS
    run Told()
#else
    SAY("@ 0 WORLD %d %d %d\n", BUFFER, SHUTS, REFUSING)
    run App(0); run App(1);
    run Out(0, 1); run Out(1, 1);
#ifdef LIVE
    run Out(0, 0); run Out(1, 0);
#endif
    run In(0); run In(1);
    run Net()
#endif
  }
}

ltl over { <> (is_end(0) && is_end(1)) }
