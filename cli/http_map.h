/* SPDX-License-Identifier: MIT */
/* http_map.h - files in memory, lent to the stack as they are. See http_map.c. */
#ifndef TCT_CLI_HTTP_MAP_H
#define TCT_CLI_HTTP_MAP_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/http_file.h"

/* Of this thread, and of no other; users: answers that send it, and its pieces that are lent. */
struct http_map {
  const uint8_t *base; /* NULL: free */
  size_t size;
  uint64_t device, inode, used_at; /* used_at: of http_map.c's count of uses */
  uint32_t users, lent, idle_ticks;
  int fd;                       /* of our own, to see how long the file is */
  volatile sig_atomic_t broken; /* bytes of it are gone, and read as zeros */
};

/* Another user of the file's map; NULL: it cannot be mapped, or is not worth it. */
struct http_map *http_map_get(const struct http_file *f);
void http_map_put(struct http_map *m);
/* A piece of it is lent: its token, and the way back. */
uint64_t http_map_lend(struct http_map *m);
void http_map_return(uint64_t token);
/* Each has a bit. */
uint64_t http_map_bit(const struct http_map *m);
/* Before bytes leave: are the files that are lent still as long as their maps? */
void http_map_look(void);
/* Those that are broken, told once: who sends one must not go on. 0: none has broken. */
uint64_t http_map_broke(void);
/* Now and then: lets go of what nobody has used for many such calls. */
void http_map_tick(void);

#endif
