/* SPDX-License-Identifier: MIT */
/*
 * url.c - http:// URLs and HOST:PORT pairs: strict parsing, and names to addresses.
 *
 * Used by get, connect, handshake. Names go to the system's resolver (getaddrinfo): looking up is
 * the kernel's stack, talking is ours. RFC 3986 sections 3.2 and 3.3, as far as http needs.
 */
#define _GNU_SOURCE
#include "cli/url.h"

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "cli/args.h"

static bool is_host_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

/* The end of the host, or NULL with *wrong set. */
static const char *parse_host(struct url *u, const char *p, const char **wrong) {
  const char *from = p;
  tct_addr a;
  *wrong = "the host name is missing";
  u->is_ipv6 = *p == '[';
  if (u->is_ipv6) {
    from = ++p;
    p += strcspn(p, "]");
    *wrong = "the ] after the IPv6 address is missing";
    if (*p == '\0')
      return NULL;
  } else {
    while (is_host_char(*p))
      p++;
  }
  size_t len = (size_t)(p - from);
  if (len == 0 || len >= sizeof u->host)
    return NULL;
  memcpy(u->host, from, len);
  u->host[len] = '\0';
  *wrong = "that is no IPv6 address between [ and ]";
  if (u->is_ipv6 && (tct_addr_parse(u->host, &a) < 0 || tct_addr_is_ipv4(a)))
    return NULL;
  return u->is_ipv6 ? p + 1 : p;
}

static const char *parse_port(struct url *u, const char *p, const char **wrong) {
  char digits[8];
  uint32_t port;
  size_t len = strspn(++p, "0123456789");
  *wrong = "the port must be a number from 1 to 65535";
  if (len == 0 || len >= sizeof digits)
    return NULL;
  memcpy(digits, p, len);
  digits[len] = '\0';
  if (!args_number(digits, 1, 65535, &port))
    return NULL;
  u->port = (uint16_t)port;
  u->has_port = true;
  return p + len;
}

static const char *parse_target(struct url *u, const char *p) {
  size_t len = strcspn(p, "#"), slash = *p == '/' ? 0 : 1;
  if (len + slash >= sizeof u->target)
    return "the path is longer than 2 KiB";
  for (size_t i = 0; i < len; i++)
    if ((unsigned char)p[i] <= ' ' || (unsigned char)p[i] >= 127)
      return "it has a blank or other character that must be written as %XX";
  u->target[0] = '/';
  memcpy(u->target + slash, p, len);
  u->target[len + slash] = '\0';
  return NULL;
}

const char *url_parse(struct url *u, const char *text) {
  const char *wrong = NULL, *p;
  memset(u, 0, sizeof *u);
  u->port = 80;
  if (strncasecmp(text, "https://", 8) == 0)
    return "only http:// is spoken here, not https://";
  if (strncasecmp(text, "http://", 7) != 0)
    return "it must begin with http://";
  text += 7;
  if (strcspn(text, "@") < strcspn(text, "/?#"))
    return "user names in the URL are not supported";
  p = parse_host(u, text, &wrong);
  if (p != NULL && *p == ':')
    p = parse_port(u, p, &wrong);
  if (p == NULL)
    return wrong;
  if (*p != '\0' && *p != '/' && *p != '?' && *p != '#')
    return "there is a character in the host name that can't be there";
  return parse_target(u, p);
}

const char *url_parse_host_port(struct url *u, const char *text) {
  const char *wrong = NULL, *p;
  memset(u, 0, sizeof *u);
  p = parse_host(u, text, &wrong);
  if (p != NULL && *p == ':')
    p = parse_port(u, p, &wrong);
  if (p == NULL)
    return wrong;
  if (!u->has_port)
    return "the port is missing: use HOST:PORT, with an IPv6 address in [ ]";
  return *p == '\0' ? NULL : "there is something after the port";
}

void url_file_name(const struct url *u, char *name, size_t cap) {
  size_t len = strcspn(u->target, "?");
  size_t from = len;
  while (from > 0 && u->target[from - 1] != '/')
    from--;
  size_t n = len - from < cap - 1 ? len - from : cap - 1;
  memcpy(name, u->target + from, n);
  name[n] = '\0';
  if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) /* directories, not names for a file */
    name[0] = '\0';
}

/* ---- Names to addresses ---------------------------------------------------------------------- */

static tct_addr addr_of(const struct addrinfo *ai) {
  tct_addr a = {{0}};
  if (ai->ai_family == AF_INET) {
    struct sockaddr_in in;
    uint8_t b[4];
    memcpy(&in, ai->ai_addr, sizeof in);
    memcpy(b, &in.sin_addr, sizeof b);
    a = tct_addr_ipv4(b[0], b[1], b[2], b[3]);
  } else {
    struct sockaddr_in6 in6;
    memcpy(&in6, ai->ai_addr, sizeof in6);
    memcpy(a.b, &in6.sin6_addr, sizeof a.b);
  }
  return a;
}

static const char *look_up(const char *name, bool v4, bool v6, tct_addr *out) {
  struct addrinfo hints = {.ai_family = v4 && v6 ? AF_UNSPEC
                                        : v4     ? AF_INET
                                                 : AF_INET6,
                           .ai_socktype = SOCK_STREAM};
  struct addrinfo *list = NULL;
  int err = getaddrinfo(name, NULL, &hints, &list);
  if (err == EAI_NONAME || err == EAI_ADDRFAMILY || err == EAI_NODATA)
    return "no such host name";
  if (err != 0)
    return gai_strerror(err);
  for (struct addrinfo *ai = list; ai != NULL; ai = ai->ai_next) {
    if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
      continue;
    *out = addr_of(ai);
    freeaddrinfo(list);
    return NULL;
  }
  freeaddrinfo(list);
  return "no such host name";
}

const char *url_resolve(const struct url *u, bool v4, bool v6, tct_endpoint *out) {
  *out = (tct_endpoint){.port = u->port};
  if (tct_addr_parse(u->host, &out->addr) < 0)
    return look_up(u->host, v4, v6, &out->addr);
  bool is_v4 = tct_addr_is_ipv4(out->addr);
  if (is_v4 && !v4)
    return "that is an IPv4 address, and tercet has none; give it one with --addr";
  if (!is_v4 && !v6)
    return "that is an IPv6 address, and tercet has none; give it one with --addr";
  return NULL;
}
