/* SPDX-License-Identifier: MIT */
/*
 * http_file.c - opens what a request names, and nothing that is not below the served directory.
 *
 * Called by the file server (http_conn.c). The kernel does the guarding (openat2 with
 * RESOLVE_BENEATH: no "..", no absolute symbolic link, also against races); decoding refuses what
 * it must never be asked. Only plain files and directories are served.
 */
#define _GNU_SOURCE
#include "cli/http_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Paths ----------------------------------------------------------------------------------- */

static int hex_value(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

static bool leads_up(const char *path) {
  for (const char *p = path; *p != '\0';) {
    size_t len = strcspn(p, "/");
    if (len == 2 && p[0] == '.' && p[1] == '.')
      return true;
    p += len;
    p += strspn(p, "/");
  }
  return false;
}

int http_path_decode(const char *target, char *path, size_t cap) {
  size_t n = 0;
  target += strspn(target, "/");
  for (; *target != '\0' && *target != '?' && *target != '#'; target++) {
    char c = *target;
    if (c == '%') {
      int high = hex_value(target[1]);
      int low = high >= 0 ? hex_value(target[2]) : -1;
      if (low < 0 || (high == 0 && low == 0))
        return 400; /* not hex, or a NUL */
      c = (char)(high * 16 + low);
      target += 2;
    }
    if (n + 1 >= cap)
      return 414;
    path[n++] = c;
  }
  path[n] = '\0';
  size_t lead = strspn(path, "/");
  memmove(path, path + lead, n - lead + 1);
  return leads_up(path) ? 404 : 0;
}

static int open_beneath(int root_fd, const char *path, uint64_t flags) {
  struct open_how how = {.flags = flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
                         .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
  long fd = syscall(SYS_openat2, root_fd, path[0] != '\0' ? path : ".", &how, sizeof how);
  return (int)fd;
}

static int status_of(int err) {
  switch (err) {
  case EACCES:
  case EPERM:
    return 403;
  case EMFILE:
  case ENFILE:
  case ENOMEM:
    return 503;
  case ENOSYS: /* a kernel before 5.6: no way to guard the directory, so nothing is served */
    return 500;
  default:
    return 404; /* also EXDEV and ELOOP: it leads outside */
  }
}

/* ---- Kinds ----------------------------------------------------------------------------------- */

static const char *type_of(const char *path) {
  static const struct {
    const char *end, *type;
  } types[] = {{".html", "text/html; charset=utf-8"},
               {".htm", "text/html; charset=utf-8"},
               {".txt", "text/plain; charset=utf-8"},
               {".md", "text/plain; charset=utf-8"},
               {".css", "text/css; charset=utf-8"},
               {".js", "text/javascript; charset=utf-8"},
               {".json", "application/json"},
               {".xml", "application/xml"},
               {".svg", "image/svg+xml"},
               {".png", "image/png"},
               {".jpg", "image/jpeg"},
               {".jpeg", "image/jpeg"},
               {".gif", "image/gif"},
               {".webp", "image/webp"},
               {".ico", "image/x-icon"},
               {".pdf", "application/pdf"},
               {".wasm", "application/wasm"},
               {".mp4", "video/mp4"},
               {".zip", "application/zip"},
               {".gz", "application/gzip"}};
  size_t len = strlen(path);
  for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
    size_t n = strlen(types[i].end);
    if (len >= n && strcasecmp(path + len - n, types[i].end) == 0)
      return types[i].type;
  }
  return "application/octet-stream";
}

static int describe(struct http_file *f, const char *path) {
  struct stat st = {0};
  if (fstat(f->fd, &st) < 0 || (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))) {
    close(f->fd);
    return 403; /* a device, pipe or socket */
  }
  f->is_dir = S_ISDIR(st.st_mode);
  f->size = f->is_dir ? 0 : (uint64_t)st.st_size;
  f->device = st.st_dev;
  f->inode = st.st_ino;
  f->modified = st.st_mtime;
  f->type = type_of(path);
  snprintf(f->etag, sizeof f->etag, "\"%llx-%llx-%llx\"", (unsigned long long)st.st_ino,
           (unsigned long long)st.st_size,
           (unsigned long long)st.st_mtim.tv_sec * 1000000000ull +
               (unsigned long long)st.st_mtim.tv_nsec);
  return 0;
}

int http_file_open(int root_fd, const char *path, struct http_file *f) {
  size_t len = strlen(path);
  bool slash = len == 0 || path[len - 1] == '/';
  f->fd = open_beneath(root_fd, path, O_RDONLY);
  if (f->fd < 0)
    return status_of(errno);
  int status = describe(f, path);
  if (status != 0 || !f->is_dir || !slash)
    return status;
  int index = open_beneath(f->fd, "index.html", O_RDONLY);
  if (index < 0)
    return 0;
  close(f->fd);
  f->fd = index;
  return describe(f, "index.html");
}
