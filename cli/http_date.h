/* SPDX-License-Identifier: MIT */
/* http_date.h - dates as HTTP writes them. See http_date.c. */
#ifndef TCT_CLI_HTTP_DATE_H
#define TCT_CLI_HTTP_DATE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

enum { HTTP_DATE_LEN = 30 }; /* with the final NUL */

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
void http_date_format(time_t t, char out[HTTP_DATE_LEN]);
/* All three forms of RFC 9110 5.6.7. */
bool http_date_parse(const char *text, time_t *out);

#endif
