/* SPDX-License-Identifier: MIT */
/*
 * http_date.c - RFC 9110 section 5.6.7: writes one form of date, reads three, in no locale.
 *
 * Called by the file server for Date, Last-Modified and the conditional fields.
 */
#define _GNU_SOURCE
#include "cli/http_date.h"

#include <stdio.h>
#include <string.h>

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void http_date_format(time_t t, char out[HTTP_DATE_LEN]) {
  char text[160];
  struct tm tm;
  if (gmtime_r(&t, &tm) == NULL || tm.tm_year < -1900 || tm.tm_year > 8099)
    memset(&tm, 0, sizeof tm);
  snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[tm.tm_wday % 7],
           tm.tm_mday, months[tm.tm_mon % 12], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
  memcpy(out, text, HTTP_DATE_LEN - 1);
  out[HTTP_DATE_LEN - 1] = '\0';
}

static int find_month(const char *name) {
  for (int i = 0; i < 12; i++)
    if (strncmp(name, months[i], 3) == 0)
      return i;
  return -1;
}

static bool in_range(const struct tm *tm) {
  return tm->tm_mon >= 0 && tm->tm_mday >= 1 && tm->tm_mday <= 31 && tm->tm_hour >= 0 &&
         tm->tm_hour <= 23 && tm->tm_min >= 0 && tm->tm_min <= 59 && tm->tm_sec >= 0 &&
         tm->tm_sec <= 60 && tm->tm_year >= 0;
}

bool http_date_parse(const char *text, time_t *out) {
  struct tm tm = {0};
  char month[4] = "";
  int year = 0, end = 0;
  if (strlen(text) > 40)
    return false;
  if (sscanf(text, "%*3s, %2d %3s %4d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &year, &tm.tm_hour,
             &tm.tm_min, &tm.tm_sec, &end) == 6 &&
      end > 0) {
    tm.tm_year = year - 1900;
  } else if (sscanf(text, "%*[A-Za-z], %2d-%3s-%2d %2d:%2d:%2d GMT%n", &tm.tm_mday, month, &year,
                    &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &end) == 6 &&
             end > 0) {
    tm.tm_year = year < 70 ? year + 100 : year; /* two digits: the nearest century */
  } else if (sscanf(text, "%*3s %3s %2d %2d:%2d:%2d %4d%n", month, &tm.tm_mday, &tm.tm_hour,
                    &tm.tm_min, &tm.tm_sec, &year, &end) == 6 &&
             end > 0) {
    tm.tm_year = year - 1900;
  } else {
    return false;
  }
  tm.tm_mon = find_month(month);
  if (text[end] != '\0' || !in_range(&tm))
    return false;
  *out = timegm(&tm);
  return true;
}
