/* SPDX-License-Identifier: MIT */
/*
 * xdp_prog.c - makes and attaches the program that hands an interface's frames to AF_XDP sockets.
 *
 * Called by af_xdp.c. Written in instructions, so that no BPF compiler is needed to build tercet,
 * and attached by a BPF link: the kernel detaches it when its descriptor goes, also after kill -9.
 * (A program that libxdp attaches is pinned and would stay.)
 */
#include "drivers/xdp_prog.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum { QUEUES_MAX = 64 };

/* return bpf_redirect_map(map, ctx->rx_queue_index, XDP_PASS): what no socket wants, the kernel
   gets. */
static int load(int map_fd) {
  const struct bpf_insn code[] = {
      {.code = BPF_LDX | BPF_W | BPF_MEM,
       .dst_reg = BPF_REG_2,
       .src_reg = BPF_REG_1,
       .off = (__s16)offsetof(struct xdp_md, rx_queue_index)},
      {.code = BPF_LD | BPF_DW, /* BPF_IMM is 0 */
       .dst_reg = BPF_REG_1,
       .src_reg = BPF_PSEUDO_MAP_FD,
       .imm = map_fd},
      {0}, /* the upper half of that number */
      {.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3, .imm = XDP_PASS},
      {.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map},
      {.code = BPF_JMP | BPF_EXIT},
  };
  return bpf_prog_load(BPF_PROG_TYPE_XDP, "tercet", "MIT", code, sizeof code / sizeof *code, NULL);
}

static int link_to(int prog_fd, unsigned ifindex, unsigned mode) {
  struct bpf_link_create_opts opts;
  memset(&opts, 0, sizeof opts);
  opts.sz = sizeof opts;
  opts.flags = mode;
  return bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &opts);
}

static int attach(struct tct_xdp_prog *p, unsigned ifindex) {
  p->map_fd =
      bpf_map_create(BPF_MAP_TYPE_XSKMAP, "tercet", sizeof(int), sizeof(int), QUEUES_MAX, NULL);
  if (p->map_fd < 0)
    return -errno;
  p->prog_fd = load(p->map_fd);
  if (p->prog_fd < 0)
    return -errno;
  p->link_fd = link_to(p->prog_fd, ifindex, XDP_FLAGS_DRV_MODE);
  if (p->link_fd < 0 && errno != EBUSY && errno != EEXIST && errno != EPERM) {
    p->generic = true;
    p->link_fd = link_to(p->prog_fd, ifindex, XDP_FLAGS_SKB_MODE);
  }
  return p->link_fd < 0 ? -errno : 0;
}

int tct_xdp_prog_attach(struct tct_xdp_prog *p, unsigned ifindex) {
  *p = (struct tct_xdp_prog){-1, -1, -1, false};
  int err = attach(p, ifindex);
  if (err < 0)
    tct_xdp_prog_detach(p);
  return err;
}

int tct_xdp_prog_direct(const struct tct_xdp_prog *p, unsigned queue, int socket_fd) {
  return bpf_map_update_elem(p->map_fd, &queue, &socket_fd, BPF_ANY) < 0 ? -errno : 0;
}

static void drop(int *fd) {
  if (*fd >= 0)
    close(*fd);
  *fd = -1;
}

void tct_xdp_prog_detach(struct tct_xdp_prog *p) {
  drop(&p->link_fd);
  drop(&p->prog_fd);
  drop(&p->map_fd);
}
