/* SPDX-License-Identifier: MIT */
/*
 * mld.h - multicast listener messages of version 2: the report of one group, and what a query asks.
 * Called by link/mld.c. Messages stand behind a hop-by-hop header with the router alert, which
 * switches and routers look for; it is written and read here, too. RFC 3810 section 5, RFC 2711.
 */
#ifndef TCT_WIRE_MLD_H
#define TCT_WIRE_MLD_H

#include "util/mem.h"
#include "wire/checksum.h"

enum { TCT_MLD_QUERY = 130, TCT_MLD_REPORT = 143, TCT_MLD_REPORT_LEN = 8 + 8 + 20 };

enum tct_mld_record { TCT_MLD_IS_MEMBER = 2, TCT_MLD_JOINS = 4 }; /* both: of all sources */

struct tct_mld_query {
  tct_addr group;       /* all zero: every group */
  uint32_t max_wait_ms; /* within which an answer is wanted */
};

/* Hop-by-hop header and report; the IP header's next header is 0. */
void tct_wire_mld_emit_report(uint8_t p[TCT_MLD_REPORT_LEN], const tct_addr *src,
                              const tct_addr *dst, enum tct_mld_record what, const tct_addr *group);
/* p: an IPv6 packet's payload from a hop-by-hop header on. False: no sound query of any version. */
bool tct_wire_mld_parse_query(const uint8_t *p, size_t len, const tct_addr *src,
                              const tct_addr *dst, struct tct_mld_query *out);

#endif
