/* SPDX-License-Identifier: MIT */
/*
 * vnet.h - the virtio-net header that Linux puts before each packet of a device with offloads. See
 * vnet.c.
 */
#ifndef TCT_VNET_H
#define TCT_VNET_H

#include "tercet/tercet.h"

enum { TCT_VNET_HDR_LEN = 10 };

/* link_len: how far into the packet its IP header is, 14 on Ethernet; all offsets count from the
 * packet's first byte. */

/* What the kernel says of a packet that it hands us: fills in seg_size, csum, csum_start and
 * csum_offset. False: it is of a kind that we never asked for, or it contradicts the packet. */
bool tct_vnet_read(const uint8_t hdr[TCT_VNET_HDR_LEN], const uint8_t *packet, size_t len,
                   size_t link_len, tct_frame *f);
/* What we say of a packet that we hand to it. False: the kernel cannot cut this one, do it first.
 */
bool tct_vnet_write(const tct_frame *f, size_t link_len, uint8_t hdr[TCT_VNET_HDR_LEN]);

#endif
