/* SPDX-License-Identifier: MIT */
/*
 * vnet.c - translates between a frame's segment size and open checksum and the virtio-net header
 * that a TUN or TAP device speaks (IFF_VNET_HDR). Pure; called by tun.c for each packet.
 *
 * TCP only: the kernel merges and cuts it in both families; UDP is cut in software (segment.c). The
 * header is in host order here: the devices that we make are told nothing else.
 */
#include "drivers/vnet.h"

#include <linux/virtio_net.h>
#include <string.h>

#include "wire/ip.h"
#include "wire/tcp.h"

_Static_assert(sizeof(struct virtio_net_hdr) == TCT_VNET_HDR_LEN, "the short form of the header");

/* ---- In -------------------------------------------------------------------------------------- */

/* A checksum that the sender left to its device: right once finished, and trusted until then. */
static bool read_checksum(const struct virtio_net_hdr *v, size_t len, tct_frame *f) {
  if ((v->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) == 0) {
    bool good = (v->flags & VIRTIO_NET_HDR_F_DATA_VALID) != 0;
    f->csum = good ? TCT_CSUM_GOOD : TCT_CSUM_CHECK;
    return true;
  }
  f->csum = TCT_CSUM_PARTIAL;
  f->csum_start = v->csum_start;
  f->csum_offset = v->csum_offset;
  return (size_t)v->csum_start + v->csum_offset + 2 <= len;
}

static bool read_size(const struct virtio_net_hdr *v, const uint8_t *ip, size_t len, tct_frame *f) {
  unsigned type = v->gso_type & ~(unsigned)VIRTIO_NET_HDR_GSO_ECN;
  unsigned family = len > 0 ? ip[0] >> 4 : 0;
  if (type == VIRTIO_NET_HDR_GSO_NONE)
    return true;
  f->seg_size = v->gso_size;
  return f->seg_size != 0 && ((type == VIRTIO_NET_HDR_GSO_TCPV4 && family == 4) ||
                              (type == VIRTIO_NET_HDR_GSO_TCPV6 && family == 6));
}

bool tct_vnet_read(const uint8_t hdr[TCT_VNET_HDR_LEN], const uint8_t *packet, size_t len,
                   size_t link_len, tct_frame *f) {
  struct virtio_net_hdr v;
  memcpy(&v, hdr, sizeof v);
  return len >= link_len && read_checksum(&v, len, f) &&
         read_size(&v, packet + link_len, len - link_len, f);
}

/* ---- Out ------------------------------------------------------------------------------------- */

static bool write_size(const tct_frame *f, size_t link_len, struct virtio_net_hdr *v) {
  const tct_iov *first = &f->iov[0];
  const uint8_t *packet = first->base;
  if (f->seg_size == 0)
    return true;
  size_t tcp_at = f->csum_start;
  if (f->csum != TCT_CSUM_PARTIAL || f->csum_offset != TCT_TCP_CHECKSUM_AT ||
      first->len < tcp_at + TCT_TCP_HEADER_LEN || link_len >= tcp_at)
    return false;
  v->gso_type = packet[link_len] >> 4 == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
  if ((f->flags & TCT_FRAME_CWR_FIRST_ONLY) != 0)
    v->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
  v->gso_size = f->seg_size;
  v->hdr_len = (uint16_t)(tcp_at + (size_t)(packet[tcp_at + 12] >> 4) * 4);
  return true;
}

bool tct_vnet_write(const tct_frame *f, size_t link_len, uint8_t hdr[TCT_VNET_HDR_LEN]) {
  struct virtio_net_hdr v = {0};
  if (f->csum == TCT_CSUM_PARTIAL) {
    v.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
    v.csum_start = f->csum_start;
    v.csum_offset = f->csum_offset;
  }
  bool ok = write_size(f, link_len, &v);
  memcpy(hdr, &v, sizeof v);
  return ok;
}
