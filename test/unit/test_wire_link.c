/* SPDX-License-Identifier: MIT */
/* Ethernet, ARP and neighbour discovery as bytes. A-numbers are those of the attacks repeated. */
#include "test/unit/wire_test.h"

#include "wire/arp.h"
#include "wire/bytes.h"
#include "wire/nd.h"

static const struct tct_mac mac_a = {{2, 0, 0, 0, 0, 0xa}}, mac_b = {{2, 0, 0, 0, 0, 0xb}};

static void eth__every_length_and_type__only_whole_and_known_taken(void **state) {
  (void)state;
  uint8_t p[14];
  struct tct_eth_hdr h = {.dst = mac_a, .src = mac_b}, back;
  for (unsigned type = 0; type <= 65535; type++) {
    h.type = (uint16_t)type;
    assert_int_equal(tct_wire_eth_emit(p, &h), 14);
    bool known = type == 0x0800 || type == 0x0806 || type == 0x86dd;
    assert_int_equal(tct_wire_eth_parse(p, 14, &back), known ? TCT_ACCEPTED : TCT_DROP_ETH_TYPE);
    assert_true(back.type == type && tct_wire_eth_equal(&back.dst, &mac_a) &&
                tct_wire_eth_equal(&back.src, &mac_b));
  }
  for (size_t len = 0; len < 14; len++) {
    uint8_t *copy = exact_copy(p, len);
    assert_int_equal(tct_wire_eth_parse(copy, len, &back), TCT_DROP_ETH_SHORT);
    free(copy);
  }
  h.type = TCT_ETH_IP4;
  h.src = tct_wire_eth_broadcast();
  tct_wire_eth_emit(p, &h);
  assert_int_equal(tct_wire_eth_parse(p, 14, &back), TCT_DROP_ETH_SOURCE);
}

/* RFC 1112 6.4 and RFC 2464 7 */
static void eth__multicast_addresses__map_to_groups(void **state) {
  (void)state;
  tct_addr g4 = ADDR4(239, 129, 2, 3), g6 = {{0xff, 2, [12] = 1, 2, 3, 4}};
  struct tct_mac want4 = {{1, 0, 0x5e, 1, 2, 3}}, want6 = {{0x33, 0x33, 1, 2, 3, 4}};
  struct tct_mac m4 = tct_wire_eth_multicast(&g4), m6 = tct_wire_eth_multicast(&g6);
  assert_true(tct_wire_eth_equal(&m4, &want4) && tct_wire_eth_is_group(&m4));
  assert_true(tct_wire_eth_equal(&m6, &want6) && tct_wire_eth_is_group(&m6));
}

static void arp__emit_then_parse__same(void **state) {
  (void)state;
  uint8_t p[TCT_ARP_LEN];
  struct tct_arp a = {.op = TCT_ARP_REPLY,
                      .sender_mac = mac_a,
                      .target_mac = mac_b,
                      .sender = ADDR4(10, 0, 0, 1),
                      .target = ADDR4(10, 0, 0, 2)},
                 back;
  assert_int_equal(tct_wire_arp_emit(p, &a), TCT_ARP_LEN);
  assert_int_equal(tct_wire_arp_parse(p, sizeof p, &back), TCT_ACCEPTED);
  assert_true(back.op == a.op && tct_wire_eth_equal(&back.sender_mac, &mac_a) &&
              tct_wire_eth_equal(&back.target_mac, &mac_b));
  assert_memory_equal(back.sender.b, a.sender.b, 16);
  assert_memory_equal(back.target.b, a.target.b, 16);
}

/* A115 */
static void arp__every_length_field__only_the_right_ones_taken(void **state) {
  (void)state;
  uint8_t p[TCT_ARP_LEN];
  struct tct_arp a = {.op = TCT_ARP_REQUEST, .sender = ADDR4(10, 0, 0, 1)}, back;
  tct_wire_arp_emit(p, &a);
  for (size_t len = 0; len < TCT_ARP_LEN; len++) {
    uint8_t *copy = exact_copy(p, len);
    assert_int_equal(tct_wire_arp_parse(copy, len, &back), TCT_DROP_ARP_SHORT);
    free(copy);
  }
  for (size_t at = 0; at < 8; at++)
    for (unsigned v = 0; v < 256; v++) {
      uint8_t was = p[at];
      p[at] = (uint8_t)v;
      bool good = v == was || (at == 7 && v == TCT_ARP_REPLY);
      assert_int_equal(tct_wire_arp_parse(p, sizeof p, &back),
                       good ? TCT_ACCEPTED : TCT_DROP_ARP_FORMAT);
      p[at] = was;
    }
}

static void nd__emit_then_parse__same(void **state) {
  (void)state;
  tct_addr src = ADDR6(1), dst = ADDR6(2);
  for (unsigned bits = 0; bits < 32; bits++) {
    uint8_t p[TCT_ND_EMIT_MAX];
    struct tct_nd nd = {.type = TCT_ND_SOLICIT, .target = ADDR6(7)}, back;
    if ((bits & 1) != 0) {
      nd.type = TCT_ND_ADVERT;
      nd.router = (bits & 2) != 0;
      nd.solicited = (bits & 4) != 0;
      nd.override = (bits & 8) != 0;
    }
    nd.has_mac = (bits & 16) != 0;
    if (nd.has_mac)
      nd.mac = mac_a;
    size_t len = tct_wire_nd_emit(p, &src, &dst, &nd);
    assert_int_equal(len, nd.has_mac ? 32 : 24);
    assert_int_equal(tct_wire_nd_parse(p, len, &back), TCT_ACCEPTED);
    assert_true(back.type == nd.type && back.router == nd.router && back.has_mac == nd.has_mac &&
                back.solicited == nd.solicited && back.override == nd.override);
    assert_memory_equal(back.target.b, nd.target.b, 16);
    assert_memory_equal(back.mac.b, nd.mac.b, 6);
    for (size_t cut = 0; cut < len; cut++) {
      uint8_t *copy = exact_copy(p, cut);
      tct_verdict v = tct_wire_nd_parse(copy, cut, &back);
      assert_true(v ==
                  (cut < 24 ? TCT_DROP_ND_SHORT : (cut == 24 ? TCT_ACCEPTED : TCT_DROP_ND_OPTION)));
      free(copy);
    }
  }
}

/* A111, A112: no option length makes it loop, none reads beyond the end. */
static void nd__every_option_length__whole_or_refused(void **state) {
  (void)state;
  static const uint8_t fixed[] = {8, 16, 24, 24, 40};
  for (uint8_t type = TCT_ND_ROUTER_SOLICIT; type <= TCT_ND_REDIRECT; type++)
    for (size_t room = 0; room <= 64; room += 4)
      for (unsigned said = 0; said < 256; said++) {
        uint8_t p[104] = {type};
        struct tct_nd nd;
        size_t at = fixed[type - TCT_ND_ROUTER_SOLICIT], len = at + room;
        for (size_t i = at; i<len; i += said> 0 ? said * 8 : len) {
          p[i] = 25; /* RDNSS */
          p[i + 1] = (uint8_t)said;
        }
        bool good = room == 0 || (said > 0 && room % (said * 8) == 0);
        uint8_t *copy = exact_copy(p, len);
        assert_int_equal(tct_wire_nd_parse(copy, len, &nd),
                         good ? TCT_ACCEPTED : TCT_DROP_ND_OPTION);
        free(copy);
      }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(eth__every_length_and_type__only_whole_and_known_taken),
      cmocka_unit_test(eth__multicast_addresses__map_to_groups),
      cmocka_unit_test(arp__emit_then_parse__same),
      cmocka_unit_test(arp__every_length_field__only_the_right_ones_taken),
      cmocka_unit_test(nd__emit_then_parse__same),
      cmocka_unit_test(nd__every_option_length__whole_or_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
