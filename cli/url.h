/* SPDX-License-Identifier: MIT */
/* url.h - http:// URLs and HOST:PORT, taken apart and looked up. See url.c. */
#ifndef TCT_CLI_URL_H
#define TCT_CLI_URL_H

#include "tercet/tercet.h"

struct url {
  char host[256]; /* name or address, without brackets */
  uint16_t port;
  char target[2048]; /* path and query as sent, begins with / */
  bool is_ipv6;      /* host is an IPv6 address: goes into brackets */
  bool has_port;     /* said in the text */
};

/* NULL, or what is wrong with it. */
const char *url_parse(struct url *u, const char *text);
/* "HOST:PORT", "[V6]:PORT". */
const char *url_parse_host_port(struct url *u, const char *text);
/* What follows the last slash of the path, as it stands; "" when nothing does, or "." or "..". */
void url_file_name(const struct url *u, char *name, size_t cap);
/* An address as it is, a name by the system's resolver, in a family that `v4`/`v6` allow.
   NULL, or why not. */
const char *url_resolve(const struct url *u, bool v4, bool v6, tct_endpoint *out);

#endif
