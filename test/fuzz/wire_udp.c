/* SPDX-License-Identifier: MIT */
/* Fuzz target: the UDP header in frames that say more, or less, than they hold; its checksum. */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "wire/udp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct tct_udp_hdr h;
  if (size < 3 || size > 3000)
    return 0;
  bool v4 = (data[0] & 1) != 0;
  size_t len = size - 3, have = len < data[1] ? len : data[1];
  tct_addr src = v4 ? tct_addr_ipv4(10, 0, 0, 2) : (tct_addr){{0xfd, 1}};
  tct_addr dst = v4 ? tct_addr_ipv4(10, 0, 0, 1) : (tct_addr){{0xfd, 2}};
  uint8_t *first = fuzz_copy(data + 3, have), *all = fuzz_copy(data + 3, len);
  if (tct_wire_udp_parse(first, have, len, &h) == TCT_ACCEPTED) {
    FUZZ_CHECK(h.len >= TCT_UDP_HEADER_LEN && h.len <= len && have >= TCT_UDP_HEADER_LEN);
    bool ok = tct_wire_udp_checksum_ok(&src, &dst, all, h.len);
    size_t cut = data[2] % (size_t)(h.len + 1);
    struct tct_ip_hdr ip = {
        .src = src, .dst = dst, .family = v4 ? 4 : 6, .payload_len = (uint16_t)len};
    tct_iov v[2] = {{all, cut}, {all + cut, len - cut}};
    if (cut >= TCT_UDP_HEADER_LEN)
      FUZZ_CHECK(tct_wire_udp_checksum_ok_iov(&ip, &h, v, 2) == ok);
    FUZZ_CHECK(h.checksum != 0 || ok == v4); /* none: fine for IPv4, wrong for IPv6 */
    tct_iov payload = {all + 8, h.len - 8u};
    FUZZ_CHECK(tct_wire_udp_emit(all, h.sport, h.dport, (uint16_t)payload.len) == 8);
    tct_wire_udp_finish(all, &src, &dst, &payload, 1);
    FUZZ_CHECK(all[6] != 0 || all[7] != 0); /* a sum of zero is sent as all ones */
    FUZZ_CHECK(tct_wire_udp_checksum_ok(&src, &dst, all, h.len));
  }
  free(first);
  free(all);
  return 0;
}
