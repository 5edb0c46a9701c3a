/* SPDX-License-Identifier: MIT */
/*
 * http_listing.c - a directory as a page: names, sizes, dates; sorted; bounded.
 *
 * Called by the file server for a directory without index.html. Hidden names are left out of the
 * page (they can still be asked for).
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/http_file.h"

enum { ENTRIES_MAX = 10000, ROW_MAX = 6 * 256 + 3 * 256 + 128 };

static bool append(char *buf, size_t cap, size_t *at, const char *text) {
  size_t n = strlen(text);
  if (*at + n >= cap)
    return false;
  memcpy(buf + *at, text, n + 1);
  *at += n;
  return true;
}

bool http_escape_html(char *buf, size_t cap, size_t *at, const char *text) {
  for (; *text != '\0'; text++) {
    char one[2] = {*text, '\0'};
    const char *as = *text == '<'    ? "&lt;"
                     : *text == '>'  ? "&gt;"
                     : *text == '&'  ? "&amp;"
                     : *text == '"'  ? "&quot;"
                     : *text == '\'' ? "&#39;"
                                     : one;
    if (!append(buf, cap, at, as))
      return false;
  }
  return true;
}

bool http_escape_url(char *buf, size_t cap, size_t *at, const char *text) {
  for (; *text != '\0'; text++) {
    char one[4] = {*text, '\0'};
    bool plain = (*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') ||
                 (*text >= '0' && *text <= '9') || strchr("-._~/", *text) != NULL;
    if (!plain)
      snprintf(one, sizeof one, "%%%02X", (unsigned)(unsigned char)*text);
    if (!append(buf, cap, at, one))
      return false;
  }
  return true;
}

static int visible(const struct dirent *e) {
  return e->d_name[0] != '.';
}

static void append_row(int dir_fd, const char *name, char *buf, size_t cap, size_t *at) {
  char tail[96], date[32] = "";
  struct stat st = {0};
  struct tm tm;
  if (fstatat(dir_fd, name, &st, 0) < 0)
    return; /* gone since, or a link that leads nowhere */
  bool dir = S_ISDIR(st.st_mode);
  if (gmtime_r(&st.st_mtime, &tm) != NULL)
    strftime(date, sizeof date, "%Y-%m-%d %H:%M", &tm);
  append(buf, cap, at, "<tr><td><a href=\"./"); /* "./": a name like "a:b" is no scheme */
  http_escape_url(buf, cap, at, name);
  append(buf, cap, at, dir ? "/\">" : "\">");
  http_escape_html(buf, cap, at, name);
  if (dir)
    snprintf(tail, sizeof tail, "/</a><td><td>%s\n", date);
  else
    snprintf(tail, sizeof tail, "</a><td class=n>%lld<td>%s\n", (long long)st.st_size, date);
  append(buf, cap, at, tail);
}

static void append_head(const char *path, char *buf, size_t cap, size_t *at) {
  append(buf, cap, at, "<!doctype html><meta charset=utf-8><title>/");
  http_escape_html(buf, cap, at, path);
  append(buf, cap, at,
         "</title><style>body{font:16px sans-serif;margin:2em;color-scheme:light dark}"
         "td{padding:0 1em 0 0}.n{text-align:right}</style><h1>/");
  http_escape_html(buf, cap, at, path);
  append(buf, cap, at, "</h1><table>\n");
  if (path[0] != '\0')
    append(buf, cap, at, "<tr><td><a href=\"../\">../</a><td><td>\n");
}

char *http_listing(int dir_fd, const char *path, size_t *len) {
  struct dirent **list = NULL;
  int n = scandirat(dir_fd, ".", &list, visible, alphasort);
  int shown = n > ENTRIES_MAX ? ENTRIES_MAX : n;
  size_t cap = 1024 + 12 * HTTP_PATH_MAX + (size_t)(shown > 0 ? shown : 0) * ROW_MAX;
  char *buf = malloc(cap);
  *len = 0;
  if (buf != NULL) {
    append_head(path, buf, cap, len);
    for (int i = 0; i < shown; i++)
      append_row(dir_fd, list[i]->d_name, buf, cap, len);
    append(buf, cap, len,
           n > shown ? "</table><p>More names than are shown here.\n" : "</table>\n");
  }
  for (int i = 0; i < n; i++)
    free(list[i]);
  free(list);
  char *fitting = buf != NULL ? realloc(buf, *len + 1) : NULL;
  return fitting != NULL ? fitting : buf;
}
