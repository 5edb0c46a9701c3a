/* SPDX-License-Identifier: MIT */
/*
 * names.c - words for numbers: verdicts, reasons, states, timers, errors. Made from the lists in
 * tercet.h, so that none can be forgotten. Called by whatever shows something to a person.
 */
#include "tercet/tercet.h"
#include "util/mem.h"

static const char *const verdict_names[TCT_VERDICT_COUNT] = {
#define X(name) #name,
    TCT_VERDICTS(X)
#undef X
};

static const char *const why_names[TCT_WHY_COUNT] = {
#define X(name, text) #name,
    TCT_WHYS(X)
#undef X
};

static const char *const why_texts[TCT_WHY_COUNT] = {
#define X(name, text) text,
    TCT_WHYS(X)
#undef X
};

static const char *const state_names[TCT_STATE_COUNT] = {
    "CLOSED",     "LISTEN",     "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED", "FIN-WAIT-1",
    "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING",  "LAST-ACK",     "TIME-WAIT",
};

static const char *const timer_names[] = {
    "none",      "retransmission", "persist",         "keep-alive",    "FIN-WAIT-2",
    "TIME-WAIT", "delayed ACK",    "override",        "user time-out", "SYN,ACK",
    "pacing",    "linger",         "tail loss probe", "reordering",
};

static const struct {
  int err;
  const char *text;
} errors[] = {
    {TCT_OK, "no error"},
    {TCT_ENOENT, "no such entry"},
    {TCT_EINTR, "interrupted"},
    {TCT_EBADF, "stale or foreign handle"},
    {TCT_EAGAIN, "not now"},
    {TCT_ENOMEM, "out of memory"},
    {TCT_EACCES, "not permitted"},
    {TCT_EFAULT, "bad address of memory"},
    {TCT_EEXIST, "exists already"},
    {TCT_ENODEV, "no such device"},
    {TCT_EINVAL, "invalid argument"},
    {TCT_EPIPE, "sending was shut down"},
    {TCT_EPROTO, "protocol error"},
    {TCT_EDESTADDRREQ, "destination address required"},
    {TCT_EMSGSIZE, "message too long"},
    {TCT_ENOPROTOOPT, "option or protocol not available"},
    {TCT_EOPNOTSUPP, "not supported here"},
    {TCT_EADDRINUSE, "address in use"},
    {TCT_EADDRNOTAVAIL, "address not available"},
    {TCT_ENETDOWN, "interface is down"},
    {TCT_ENETUNREACH, "network unreachable"},
    {TCT_ECONNABORTED, "connection aborted"},
    {TCT_ECONNRESET, "connection reset by peer"},
    {TCT_ENOBUFS, "no buffer space"},
    {TCT_EISCONN, "already connected"},
    {TCT_ENOTCONN, "not connected"},
    {TCT_ESHUTDOWN, "shut down"},
    {TCT_ETIMEDOUT, "timed out"},
    {TCT_ECONNREFUSED, "connection refused"},
    {TCT_EHOSTDOWN, "host is down"},
    {TCT_EHOSTUNREACH, "host unreachable"},
    {TCT_EALREADY, "already under way"},
    {TCT_EINPROGRESS, "in progress"},
};

const char *tct_verdict_name(tct_verdict v) {
  return (unsigned)v < TCT_VERDICT_COUNT ? verdict_names[v] : "?";
}

const char *tct_why_name(tct_why w) {
  return (unsigned)w < TCT_WHY_COUNT ? why_names[w] : "?";
}

const char *tct_why_text(tct_why w) {
  return (unsigned)w < TCT_WHY_COUNT ? why_texts[w] : "?";
}

const char *tct_state_name(tct_state st) {
  return (unsigned)st < TCT_STATE_COUNT ? state_names[st] : "?";
}

const char *tct_timer_name(tct_timer t) {
  return (unsigned)t < TCT_ARRAY_LEN(timer_names) ? timer_names[t] : "?";
}

const char *tct_strerror(int err) {
  for (size_t i = 0; i < TCT_ARRAY_LEN(errors); i++) {
    if (errors[i].err == err)
      return errors[i].text;
  }
  return "unknown error";
}
