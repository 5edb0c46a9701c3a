/* SPDX-License-Identifier: MIT */
/*
 * call_msg.c - control messages of sendmsg and recvmsg: from the written form to bytes, and those
 * that came against those that are written. Called by call_io.c. Data is a number, an extended
 * error (its trailing address counts by its length alone) or time stamps.
 */
#define _GNU_SOURCE
#include "drill/run.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <linux/errqueue.h>

enum { CMSG_MAX = 16 };
/* <linux/errqueue.h> keeps its own to 64-bit time. */
struct stamps {
  struct timespec at[3];
};

static bool get_field(struct drill_run *r, const struct drill_expr *e, const char *name,
                      int64_t *v) {
  const struct drill_expr *f = drill_call_field(e, name);
  if (!f)
    return drill_run_fail(r, "%s= is missing in { }", name);
  return drill_call_number(r, f, v);
}

static bool put_error(struct drill_run *r, const struct drill_expr *e, uint8_t *to, size_t *len,
                      int level) {
  struct sock_extended_err ee;
  int64_t error = 0, origin = 0, type = 0, code = 0, info = 0, data = 0;
  if (!get_field(r, e, "ee_errno", &error) || !get_field(r, e, "ee_origin", &origin) ||
      !get_field(r, e, "ee_type", &type) || !get_field(r, e, "ee_code", &code) ||
      !get_field(r, e, "ee_info", &info) || !get_field(r, e, "ee_data", &data))
    return false;
  memset(&ee, 0, sizeof ee);
  ee.ee_errno = (uint32_t)error;
  ee.ee_origin = (uint8_t)origin;
  ee.ee_type = (uint8_t)type;
  ee.ee_code = (uint8_t)code;
  ee.ee_info = (uint32_t)info;
  ee.ee_data = (uint32_t)data;
  *len = sizeof ee + (level == SOL_IPV6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
  memset(to, 0, *len);
  memcpy(to, &ee, sizeof ee);
  return true;
}

static bool put_stamps(struct drill_run *r, const struct drill_expr *e, uint8_t *to, size_t *len) {
  struct stamps s;
  int64_t sec = 0, nsec = 0;
  if (!get_field(r, e, "scm_sec", &sec) || !get_field(r, e, "scm_nsec", &nsec))
    return false;
  memset(&s, 0, sizeof s);
  s.at[0] = (struct timespec){(time_t)sec, (long)nsec};
  memcpy(to, &s, *len = sizeof s);
  return true;
}

static bool put_data(struct drill_run *r, const struct drill_expr *e, uint8_t *to, size_t *len,
                     int level) {
  int64_t v;
  if (e->kind == DRILL_EXPR_STRUCT && drill_call_field(e, "ee_errno"))
    return put_error(r, e, to, len, level);
  if (e->kind == DRILL_EXPR_STRUCT && drill_call_field(e, "scm_sec"))
    return put_stamps(r, e, to, len);
  if (e->kind == DRILL_EXPR_STRUCT)
    return drill_run_fail(r, "control data of this form is not known");
  if (!drill_call_number(r, e, &v))
    return false;
  int n = (int)(uint32_t)v;
  memcpy(to, &n, *len = sizeof n);
  return true;
}

bool drill_cmsg_build(struct drill_run *r, const struct drill_expr *list, struct drill_control *c) {
  uint8_t data[256];
  memset(c, 0, sizeof *c);
  if (list->kind != DRILL_EXPR_LIST || list->n > CMSG_MAX)
    return drill_run_fail(r, "a list of control messages expected");
  for (size_t i = 0; i < list->n; i++) {
    const struct drill_expr *e = list->kids[i];
    int64_t level = 0, type = 0;
    size_t len = 0;
    const struct drill_expr *d =
        e->kind == DRILL_EXPR_STRUCT ? drill_call_field(e, "cmsg_data") : 0;
    if (!d)
      return drill_run_fail(r, "{cmsg_level=, cmsg_type=, cmsg_data=} expected");
    if (!get_field(r, e, "cmsg_level", &level) || !get_field(r, e, "cmsg_type", &type) ||
        !put_data(r, d, data, &len, (int)level))
      return false;
    if (c->len + CMSG_SPACE(len) > sizeof c->bytes)
      return drill_run_fail(r, "too many control messages");
    struct cmsghdr h = {.cmsg_len = CMSG_LEN(len)};
    h.cmsg_level = (int)level;
    h.cmsg_type = (int)type;
    memcpy(c->bytes + c->len, &h, sizeof h);
    memcpy(c->bytes + c->len + CMSG_LEN(0), data, len);
    c->len += CMSG_SPACE(len);
  }
  return true;
}

/* ---- What came --------------------------------------------------------------------------------
 */

static bool is_stamps(const struct cmsghdr *h) {
  return h->cmsg_level == SOL_SOCKET && h->cmsg_type == SO_TIMESTAMPING;
}

static bool is_error(const struct cmsghdr *h) {
  return (h->cmsg_level == SOL_IP && h->cmsg_type == IP_RECVERR) ||
         (h->cmsg_level == SOL_IPV6 && h->cmsg_type == IPV6_RECVERR);
}

static bool check_stamp(struct drill_run *r, const struct timespec *want,
                        const struct timespec *seen) {
  if (want->tv_sec == 0 && want->tv_nsec == 0)
    return true;
  int64_t want_ns = (int64_t)want->tv_sec * 1000000000 + want->tv_nsec;
  int64_t seen_ns = r->subject->stamp(r, seen);
  if (llabs(want_ns - seen_ns) <= (int64_t)r->set->tolerance_ns)
    return true;
  r->is_timing = true;
  return drill_run_fail(r, "recvmsg(): stamped %.6f s, expected %.6f s", (double)seen_ns / 1e9,
                        (double)want_ns / 1e9);
}

static bool check_error(struct drill_run *r, const uint8_t *want, const uint8_t *seen) {
  struct sock_extended_err w, s;
  memcpy(&w, want, sizeof w);
  memcpy(&s, seen, sizeof s);
  bool is_equal = w.ee_errno == s.ee_errno && w.ee_origin == s.ee_origin &&
                  w.ee_type == s.ee_type && w.ee_code == s.ee_code && w.ee_info == s.ee_info &&
                  w.ee_data == s.ee_data;
  return is_equal ||
         drill_run_fail(r,
                        "recvmsg(): the error should be errno %u origin %u type %u code %u info %u "
                        "data %u and is errno %u origin %u type %u code %u info %u data %u",
                        w.ee_errno, w.ee_origin, w.ee_type, w.ee_code, w.ee_info, w.ee_data,
                        s.ee_errno, s.ee_origin, s.ee_type, s.ee_code, s.ee_info, s.ee_data);
}

static bool check_one(struct drill_run *r, const struct cmsghdr *w, const uint8_t *want,
                      const uint8_t *seen) {
  struct stamps ws, ss;
  int wn, sn;
  if (is_error(w))
    return check_error(r, want, seen);
  if (is_stamps(w)) {
    memcpy(&ws, want, sizeof ws);
    memcpy(&ss, seen, sizeof ss);
    return check_stamp(r, &ws.at[0], &ss.at[0]);
  }
  memcpy(&wn, want, sizeof wn);
  memcpy(&sn, seen, sizeof sn);
  return wn == sn || drill_run_fail(r, "recvmsg(): control data should be %d and is %d", wn, sn);
}

static bool read_header(const struct drill_control *c, size_t at, struct cmsghdr *h) {
  if (at + sizeof *h > c->len)
    return false;
  memcpy(h, c->bytes + at, sizeof *h);
  return h->cmsg_len >= sizeof *h && at + h->cmsg_len <= c->len;
}

bool drill_cmsg_check(struct drill_run *r, const struct drill_control *wanted,
                      const struct drill_control *seen) {
  struct cmsghdr w, s;
  size_t at = 0;
  while (read_header(wanted, at, &w)) {
    if (!read_header(seen, at, &s))
      return drill_run_fail(r, "recvmsg(): a control message (level %d, type %d) is missing",
                            w.cmsg_level, w.cmsg_type);
    if (w.cmsg_level != s.cmsg_level || w.cmsg_type != s.cmsg_type || w.cmsg_len != s.cmsg_len)
      return drill_run_fail(
          r,
          "recvmsg(): control message: expected level %d type %d length %zu, seen "
          "level %d type %d length %zu",
          w.cmsg_level, w.cmsg_type, (size_t)w.cmsg_len, s.cmsg_level, s.cmsg_type,
          (size_t)s.cmsg_len);
    if (!check_one(r, &w, wanted->bytes + at + CMSG_LEN(0), seen->bytes + at + CMSG_LEN(0)))
      return false;
    at += CMSG_ALIGN(w.cmsg_len);
  }
  return !read_header(seen, at, &s) ||
         drill_run_fail(r, "recvmsg(): one more control message came: level %d, type %d",
                        s.cmsg_level, s.cmsg_type);
}
