/* SPDX-License-Identifier: MIT */
/*
 * stage.h - where a story is played: scenes of two ends and a link, shown and recorded.
 *
 * A story (one entry of the table in stories.c) opens scenes one after the other, lets the real
 * stack act in virtual time, and afterwards its check looks at what was recorded: segments, states,
 * times, counts, never text. Used by demo.c and by the files beside this one.
 */
#ifndef CLI_STORIES_STAGE_H
#define CLI_STORIES_STAGE_H

#include "cli/plot/plot.h"
#include "cli/show/show.h"
#include "drivers/pcapng.h"
#include "tercet/sim.h"

#define MS(x) ((tct_time)(x)*1000000u)
#define SEC(x) ((tct_time)(x)*1000000000u)

enum { LEFT = SHOW_LEFT, RIGHT = SHOW_RIGHT };
enum {
  CLIENT_PORT = 40112,
  SERVER_PORT = 80,
  STAGE_SCENES_MAX = 8,
  STAGE_FACTS_MAX = 32,
  STAGE_NOTES_MAX = 32, /* remarks made in advance, per story */
  STAGE_BYTES_MAX = 64  /* frames whose bytes are kept, per story */
};

struct stage;

struct story {
  const char *name;
  const char *covers;  /* "S4,S5": statements of the page */
  const char *about;   /* what one will see, in a few words */
  const char *claim;   /* what the page says, in one line */
  const char *verdict; /* right, loose, wrong, omitted */
  const char *really;  /* what happens, in one line */
  void (*play)(struct stage *st);
  bool (*check)(struct stage *st);
};

/* How a story is presented; with `silent` it is only recorded. */
struct stage_opts {
  bool silent;
  bool paced; /* wait between segments, so that eyes can follow */
  bool ask;   /* somebody is there to answer questions */
  uint64_t seed;
  struct show_opts show;
  const char *svg_path, *pcapng_path, *plot_path;
};

struct stage_record { /* one event of one end */
  unsigned scene;
  int end;
  tct_trace t;
};

struct stage_frame { /* one frame on the link, as it was sent */
  unsigned scene;
  tct_sim_frame f;
  uint8_t *kept; /* f.len bytes, of the first frames only */
};

struct scene {
  const char *title;
  const char *names[2];
  tct_sim_host_config host[2];
  tct_sim_path path[2];   /* from left, from right; default: 9 ms each way */
  bool is_peer[2];        /* a scripted end instead of a stack */
  tct_sim_peer_fn script; /* of the scripted end */
  void *script_ctx;
  uint16_t only_port; /* show connections of this client port only; 0: all */
  bool show_window;   /* raw and real windows on every row */
  bool relative;      /* sequence numbers from 0; else as on the wire */
  bool hidden;        /* no ladder: the story draws something else */
};

struct stage_sink {
  struct stage *stage;
  int end;
};
struct stage_later {
  struct stage *stage;
  const char *text;
};

struct stage {
  struct stage_opts opts;
  const struct story *story;
  unsigned scene; /* 1, 2, … */
  struct scene now;
  tct_sim *world;
  tct_sim_host *host[2];
  tct_sim_peer *peer;
  tct_sim_link *link;
  struct show *show;
  tct_trace window[2];        /* the last word about each end's congestion window, not yet told */
  struct plot *plot;          /* NULL: none is drawn */
  struct plot_view plot_view; /* of this scene */
  struct show_outcome outcome[STAGE_SCENES_MAX + 1]; /* by scene */
  tct_sim_outcome ended[STAGE_SCENES_MAX + 1];
  struct stage_record *records;
  size_t n_records, cap_records;
  struct stage_frame *frames;
  size_t n_frames, cap_frames, n_kept;
  struct stage_sink sinks[2];
  struct stage_later later[STAGE_NOTES_MAX];
  unsigned n_later;
  uint64_t fact[STAGE_FACTS_MAX]; /* what the play wants its check to know */
  struct tct_pcapng_writer pcapng;
  bool pcapng_open, header_shown;
  int pcapng_if;
  tct_time base;      /* start of this scene in the capture's time */
  tct_time shown;     /* of the last event shown, for pacing */
  char error[200];    /* an output that failed */
  const char *failed; /* the expectation that did not hold */
  const char *failed_file;
  int failed_line;
};

/* ---- Playing ---- */

void stage_init(struct stage *st, const struct story *story, const struct stage_opts *opts);
/* Closes the capture. False: an output failed, error says which. */
bool stage_finish(struct stage *st);
void stage_deinit(struct stage *st);

/* Defaults for the next scene: client 192.0.2.10, server 192.0.2.80, 9 ms each way, no options but
 * MSS, window scale off, profile STRICT. Makes the world, so that hosts draw seeds from it. */
struct scene stage_scene(struct stage *st, const char *title);
void stage_begin(struct stage *st, const struct scene *s);
/* Plays until `until` of the scene's own clock. */
void stage_run(struct stage *st, tct_time until);
void stage_run_while(struct stage *st, tct_time until, bool (*done)(void *), void *ctx);
/* Stops showing: what follows in this scene is only recorded. */
void stage_curtain(struct stage *st);
void stage_end(struct stage *st);

tct_stack *stage_stack(struct stage *st, int end);
tct_endpoint stage_server(void);
tct_endpoint stage_client(void);
/* A remark in the ladder, at the scene's present time. */
void stage_note(struct stage *st, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same, later. text stays the caller's. */
void stage_note_at(struct stage *st, tct_time when, const char *text);
/* A line below the ladder (JSON: an object with "note"). */
void stage_say(struct stage *st, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* False when nobody looks: pictures need not be drawn. */
bool stage_is_shown(const struct stage *st);
const struct term *stage_term(const struct stage *st);

/* An active and a passive end, one connection. */
struct talk {
  tct_sim_flow client, server;
  tct_sim_server listener;
};
enum { NO_ISN = -1 };
/* The server listens at `end` 1 - client_end; flows must be filled in before. ISN -1: as drawn. */
void talk_start(struct stage *st, struct talk *t, int64_t client_isn, int64_t server_isn);
void talk_listen(struct stage *st, struct talk *t, int end, int64_t isn);
void talk_connect(struct stage *st, struct talk *t, int end, int64_t isn);
/* ISN, where >= 0, for the next connection of this socket. */
void talk_set_isn(struct stage *st, int end, tct_sock k, int64_t isn);
/* A call that must not fail did: the story fails. */
void stage_must(struct stage *st, long result, const char *what);
#define MUST(st, call) stage_must(st, (call), #call)

/* ---- Looking ---- */

struct pick { /* which segments */
  unsigned scene;
  int end;
  bool in;             /* those that arrived, else those sent */
  uint8_t mask, flags; /* (seg.flags & mask) == flags */
  uint32_t len_min;
  bool pure;         /* no payload */
  uint16_t port;     /* either port is this; 0: any */
  tct_time from, to; /* to 0: no limit */
  uint16_t why;      /* 0: any */
};
static inline struct pick sent(unsigned scene, int end) {
  return (struct pick){.scene = scene, .end = end};
}
static inline struct pick sent_with(unsigned scene, int end, uint8_t mask, uint8_t flags) {
  return (struct pick){.scene = scene, .end = end, .mask = mask, .flags = flags};
}
static inline struct pick got(unsigned scene, int end) {
  return (struct pick){.scene = scene, .end = end, .in = true};
}
static inline struct pick got_with(unsigned scene, int end, uint8_t mask, uint8_t flags) {
  return (struct pick){.scene = scene, .end = end, .in = true, .mask = mask, .flags = flags};
}
static inline struct pick data_of(unsigned scene, int end) {
  return (struct pick){.scene = scene, .end = end, .len_min = 1};
}
unsigned stage_count(const struct stage *st, struct pick p);
/* The n-th (from 1) that fits; a record full of zero bytes with kind 0xff if there is none. */
const struct stage_record *stage_nth(const struct stage *st, struct pick p, unsigned n);
const tct_seg *stage_seg(const struct stage *st, struct pick p, unsigned n);
/* When that end first went from one state to the other in this scene; TCT_NEVER: it did not. */
tct_time stage_went(const struct stage *st, unsigned scene, int end, tct_state from, tct_state to);
unsigned stage_went_count(const struct stage *st, unsigned scene, int end, tct_state from,
                          tct_state to);
/* The last state that end was seen to enter. */
tct_state stage_state(const struct stage *st, unsigned scene, int end);
/* Frames on the link: how many of one direction (2: both) met that fate. */
unsigned stage_fates(const struct stage *st, unsigned scene, unsigned dir, tct_sim_fate fate);
unsigned stage_frames(const struct stage *st, unsigned scene, unsigned dir);
const struct stage_frame *stage_frame_nth(const struct stage *st, unsigned scene, unsigned n);

bool stage_fail(struct stage *st, const char *what, const char *file, int line);
#define EXPECT(st, cond)                                                                           \
  do {                                                                                             \
    if (!(cond))                                                                                   \
      return stage_fail(st, #cond, __FILE__, __LINE__);                                            \
  } while (0)

#endif
