/* SPDX-License-Identifier: MIT */
/* Fuzz target: the packet-script parser. It ends with a script or with one sentence and its line.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "drill/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct drill_arena a = {0};
  struct drill_script s;
  if (size > 8000)
    return 0;
  char *text = malloc(size + 1);
  FUZZ_CHECK(text != NULL);
  if (size > 0)
    memcpy(text, data, size);
  text[size] = 0;
  memset(&s, 0, sizeof s);
  drill_parse(&a, text, size, NULL, 0, &s);
  FUZZ_CHECK(s.error == NULL || s.error[0] != 0);
  for (const struct drill_event *e = s.error == NULL ? s.events : NULL; e != NULL; e = e->next) {
    FUZZ_CHECK(e->kind != DRILL_EVENT_PACKET || e->packet != NULL);
    FUZZ_CHECK(e->kind != DRILL_EVENT_CALL || e->call != NULL);
  }
  free(text);
  drill_arena_free(&a);
  return 0;
}
