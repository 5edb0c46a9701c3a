/* SPDX-License-Identifier: MIT */
/*
 * driver.h - what the files of the library's test driver share: the table of functions under test,
 * the peer, and how a test fails. Not for others.
 */
#ifndef TEST_PACKETDRILL_DRIVER_H
#define TEST_PACKETDRILL_DRIVER_H

#include <errno.h>
#include <netinet/in.h>

#include "test/packetdrill/peer.h"

extern struct packetdrill_interface I;
extern struct peer P;
extern const char *why; /* of the test's failure */

#define U I.userdata
#define EXPECT(cond)                                                                               \
  do {                                                                                             \
    if (!(cond) && !why)                                                                           \
      why = #cond;                                                                                 \
    if (why)                                                                                       \
      return;                                                                                      \
  } while (0)
#define FAILS(call, error) ((call) == -1 && errno == (error))

struct sockaddr_in peer_address(void);
int make_listener(int domain);
/* An open connection, accepted; *at: the listener. */
int make_open(int *at);

/* driver_sleep.c */
void blocking_read__ends_when_data_comes(void);
void blocking_accept__ends_with_the_handshake(void);
void blocking_connect__ends_with_the_handshake_or_fails(void);
void blocking_poll__ends_at_its_time(void);
void blocking_epoll_wait__ends_with_news(void);
void blocking_write__ends_when_all_is_taken(void);
void receive_timeout__wakes_a_read(void);
/* driver_message.c */
void options__linuxs_numbers_and_errors(void);
void info__is_linuxs_structure_cut_to_the_callers_room(void);
void pieces__readv_writev_and_kin(void);
void inq__says_what_is_left(void);
void zerocopy__notices_are_merged(void);
void timestamping__stamps_of_sent_and_acknowledged(void);
void epoll__edges_and_one_shots(void);
void pipe_and_splice__move_bytes_round(void);

#endif
