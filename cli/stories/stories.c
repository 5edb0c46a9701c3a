/* SPDX-License-Identifier: MIT */
/*
 * The table of stories: names, what each covers, what the textbook page claims and what is so. The
 * page's statements are S1..S26; O1 and O2 are what it leaves out. Called by demo.c; what happens
 * is in the file of each theme.
 */
#include "cli/stories/stories.h"

#include <string.h>

#define PLAY(name) story_##name##_play, story_##name##_check

const struct story stories[] = {
    {"main", "S2,S5,S22,O2", "open, fetch a file over a link that loses segments, close",
     "A connection is opened, used and closed.", "right",
     "Each octet is numbered; what is lost is sent again; each side closes for itself.",
     PLAY(main)},
    {"two-answers", "S15", "a SYN with 500, answered by 501 and by 5001",
     "A SYN with 500 is answered by acknowledgment 5001.", "wrong",
     "It is 501. To 5001 the client says RST, stays in SYN-SENT, and repeats its SYN.",
     PLAY(two_answers)},
    {"ten-segments", "S11,S12", "window 1000, MSS 100: ten at a time, a thousand in all",
     "Window 1000 and MSS 100: at most ten segments in the connection.", "wrong",
     "Ten at one moment, a thousand in all: the window slides. Both count octets.",
     PLAY(ten_segments)},
    {"open-close", "S4,S5,S9,S13,S14,S20", "the ordinary way, with small numbers",
     "The steps are SYN, SYN-ACK, ACK; ACK is 0 at first.", "loose",
     "So it opens. It closes with FIN and ACK, and no SYN.", PLAY(open_close)},
    {"header", "S6,S9,S13", "the first three headers, field by field",
     "SYN is the synchronization sequence number.", "loose",
     "SYN is one bit. The initial sequence number is a field of 32 bits beside it.", PLAY(header)},
    {"roles", "S7", "either end may open",
     "A client that wants a connection sends a segment with SYN set.", "right",
     "The active side sends it; either end may be the active one.", PLAY(roles)},
    {"isn-clock", "S8", "where initial sequence numbers come from",
     "The first segment has a 32-bit random sequence number.", "loose",
     "A clock of 4-microsecond ticks plus a keyed hash of addresses and ports.", PLAY(isn_clock)},
    {"wrap", "S15", "after 4294967295 comes 0", "The acknowledgment is the number plus one.",
     "right", "Numbers go round at 2^32: 4294967295 is followed by 0.", PLAY(wrap)},
    {"equal-isns", "S17", "both ends begin with 500",
     "The server's sequence number differs from the client's.", "loose",
     "By chance only. Equal numbers work: each direction counts for itself.", PLAY(equal_isns)},
    {"mss", "S10,S11", "MSS 1000 and 1400: each sends what the other stated",
     "MSS and window are set in the first segment, in bits.", "wrong",
     "In octets. MSS is an option of SYNs only; each end sends what the other stated.", PLAY(mss)},
    {"no-mss", "S18", "a SYN without MSS: 536 octets, or 1220",
     "The server also gives its window and MSS.", "right",
     "If the option is missing, 536 octets are assumed for IPv4, 1220 for IPv6.", PLAY(no_mss)},
    {"window-scale", "S18,O2", "windows raw and real", "The server also gives its window and MSS.",
     "right", "A window in a SYN is never scaled; from the third segment on it is.",
     PLAY(window_scale)},
    {"doors", "S16,O2", "a port open, closed, filtered, and with a full backlog",
     "The server sets SYN if it also wants the connection.", "loose",
     "Without its SYN there is none. A closed port says RST; a filtered one, nothing.",
     PLAY(doors)},
    {"lost-syn", "S19,O2", "lose the SYN and watch it heal",
     "After the second segment the connection stands.", "loose",
     "Segments get lost. The first is sent again after one second.", PLAY(lost_syn)},
    {"lost-syn-ack", "S19,O2", "lose the SYN,ACK and watch it heal",
     "After the second segment the client is connected.", "loose",
     "When it arrives, not when it is sent. Here it is lost, and neither end is.",
     PLAY(lost_syn_ack)},
    {"lost-ack", "S19,S21", "lose the third segment: data opens the connection",
     "When the server gets the third segment, the connection stands.", "loose",
     "Any later segment with a good ACK serves as well: here the first data does.", PLAY(lost_ack)},
    {"wrong-ack", "S21", "a third segment with a wrong number",
     "When the server gets the third segment, the connection stands.", "loose",
     "Only if it acknowledges the right number. A wrong one draws a RST.", PLAY(wrong_ack)},
    {"early-data", "S22", "data in the third segment, and on the SYN",
     "Now data can flow both ways.", "loose",
     "The third segment may carry data. On a SYN it waits: the ACK covers the SYN only.",
     PLAY(early_data)},
    {"simultaneous-open", "S4,O2", "both ends open at once", "Three steps open a connection.",
     "wrong", "Four, if both ends open at once: neither is the server.", PLAY(simultaneous_open)},
    {"close-four", "S4,S23", "a close of four segments", "Three steps close a connection.", "wrong",
     "Normally four: a FIN and its ACK in each direction.", PLAY(close_four)},
    {"close-three", "S4,S25", "a close of three segments", "Three steps close a connection.",
     "wrong", "Three only if the second side closes before its ACK is out.", PLAY(close_three)},
    {"close-simultaneous", "S4", "both ends close at once", "Three steps close a connection.",
     "wrong", "Four again if both close at once; and then both wait in TIME-WAIT.",
     PLAY(close_simultaneous)},
    {"abort", "S4,O2", "a close of one segment", "Three steps close a connection.", "wrong",
     "An abort is one segment, a RST, and nobody answers it.", PLAY(abort)},
    {"half-close", "S23,S24", "5000 octets after the other side's FIN",
     "The client asks the server to end the connection by a FIN.", "loose",
     "FIN says only: no more data from me. The other direction goes on.", PLAY(half_close)},
    {"late-close", "S25", "a server that closes after 3 s, and one that does at once",
     "The server replies with FIN and ACK.", "wrong",
     "It acknowledges at once; its own FIN waits for its application.", PLAY(late_close)},
    {"time-wait", "S26", "lose the last ACK: the countdown starts again",
     "The client confirms with an ACK.", "loose",
     "And then waits for 2 MSL, so that a lost last ACK can be repeated.", PLAY(time_wait)},
    {"rulers", "S3,S14,S23", "both directions' numbers as they move",
     "Both sides synchronize and acknowledge each other.", "right",
     "Two number spaces, one a direction, each moving by itself.", PLAY(rulers)},
    {"lossy", "S2,O2", "a fifth of all segments lost, each octet arrives",
     "Reliability comes from the handshake.", "loose",
     "From numbering, acknowledging and sending again. Here a fifth of all is lost.", PLAY(lossy)},
    {"not-secret", "S1", "somebody reads along, and writes ten octets",
     "TCP gives a secure connection.", "wrong",
     "It hides nothing, and who knows the numbers can write into it.", PLAY(not_secret)},
    {"well-known-ports", "O1", "seven ports that everybody knows",
     "Common ports and protocols (the page leaves the list empty).", "omitted",
     "A port says which application is meant; some are known to all.", PLAY(well_known_ports)},
    {"syn-flood", "O2", "1000 SYNs that nobody meant, with and without cookies",
     "(Not on the page: what if the third segment never comes?)", "omitted",
     "Half-open connections fill the room. SYN cookies need no room.", PLAY(syn_flood)},
    {"crash", "O2", "one end forgets; how the other finds out",
     "(Not on the page: what if one end forgets?)", "omitted",
     "The other end finds out by a RST, or by a SYN that does not fit.", PLAY(crash)},
    {"fast-retransmit", "O2", "one of ten lost: its followers tell",
     "(Not on the page: how does the sender know?)", "omitted",
     "By what arrives after it: ACKs that do not move, with SACK, and no waiting.",
     PLAY(fast_retransmit)},
    {"tail-loss", "O2", "the last one lost: nothing follows that could tell",
     "(Not on the page: what if the last segment is lost?)", "omitted",
     "The sender asks after two round trips, by a tail loss probe.", PLAY(tail_loss)},
    {"false-alarm", "O2", "a time-out that was none, and its undoing",
     "(Not on the page: what if an ACK is only late?)", "omitted",
     "The sender takes it for a loss; late ACKs show the mistake, and it is undone.",
     PLAY(false_alarm)},
    {"ecn", "O2", "a queue that marks instead of dropping",
     "(Not on the page: what if a router has no room?)", "omitted",
     "It drops; or, asked by ECN, marks. The mark comes back as ECE, and the sender slows down.",
     PLAY(ecn)},
    {"race", "O2", "CUBIC, NewReno and BBR over one bottleneck",
     "(Not on the page: how fast may one send?)", "omitted",
     "As fast as the path and the others allow; how one finds out is a choice.", PLAY(race)},
};
const size_t n_stories = sizeof stories / sizeof stories[0];

const struct story *stories_find(const char *name) {
  for (size_t i = 0; i < n_stories; i++)
    if (strcmp(stories[i].name, name) == 0)
      return &stories[i];
  return NULL;
}

bool stories_run(struct stage *st, const struct story *story, const struct stage_opts *opts) {
  stage_init(st, story, opts);
  if (st->error[0] == 0) {
    story->play(st);
    story->check(st);
  }
  stage_finish(st);
  return st->failed == NULL && st->error[0] == 0;
}
