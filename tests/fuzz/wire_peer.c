/* SPDX-License-Identifier: MIT */
/* The scripted server, with replies that are made of a fuzz input. */
#include "fuzz/wire_peer.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "fixture/scripted/inside.h"

/* In one send, and less than what a socket takes at once. */
#define REPLY_MAX 16384
/* Of what has no end: far more than a drain reads, and not more than a borrower
 * of `calls` survives to whom a lying server has confirmed a KILL. */
#define ENDLESS_BYTES (UINT32_C(4) << 20)

enum instruction {
    SAY_TRUTH,
    SAY_CHANGED,
    SAY_CUT,
    SAY_PACKET,
    SAY_BYTES,
    SAY_TRUTH_AND_BYTES,
    SAY_ERROR,
    SAY_SILENCE,
    SAY_END,
    SAY_TWICE,
    SAY_RENUMBERED,
    SAY_LONGER,
    SAY_SHORTER,
    SAY_AGAIN,
    SAY_PACKETS,
    SAY_NOTHING,
    SAY_SLOWLY,
    SAY_ENDLESSLY,
    INSTRUCTIONS
};
#define REFIT 32u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Guarded by it. */
static struct fuzz_bytes program;
static int silence_bell = -1;
static unsigned char before[REPLY_MAX]; /* the last reply */
static size_t before_size;

void
wire_program_begin(struct fuzz_bytes bytes, int bell)
{
    (void)pthread_mutex_lock(&lock);
    program = bytes;
    silence_bell = bell;
    before_size = 0;
    (void)pthread_mutex_unlock(&lock);
}

void
wire_program_end(void)
{
    wire_program_begin((struct fuzz_bytes){0}, -1);
}

/* ---- what a reply becomes ---- */

struct reply {
    struct scripted_bytes out;
    dew_script_then then;
    size_t pause_at; /* 0: none */
    unsigned pause_ms;
    size_t endless; /* bytes of a row; 0: none */
};

static void
change(struct scripted_bytes *out)
{
    for (unsigned n = fuzz_u8(&program) % 8u; n > 0; n--) {
        const size_t at = fuzz_u16(&program);
        const uint8_t by = fuzz_u8(&program);
        if (out->size > 0) {
            out->data[at % out->size] ^= by;
        }
    }
}

static size_t
place_in(const struct scripted_bytes *out)
{
    const size_t at = fuzz_u16(&program);

    return out->size == 0 ? 0 : at % out->size;
}

static void
cut(struct reply *reply)
{
    static const dew_script_then then[] = {
        DEW_SCRIPT_GO_ON, DEW_SCRIPT_CLOSE, DEW_SCRIPT_SILENCE};

    reply->out.size = place_in(&reply->out);
    reply->then = then[fuzz_u8(&program) % 3];
}

static void
put_bytes(struct scripted_bytes *out)
{
    const uint8_t *from;
    const size_t size = fuzz_take(&program, fuzz_u8(&program), &from);

    scripted_put(out, from, size);
}

static void
put_packets(struct scripted_bytes *out)
{
    const unsigned count = fuzz_u8(&program);
    const uint8_t *from;
    const size_t size = fuzz_take(&program, fuzz_u8(&program), &from);

    for (unsigned i = 0; i < count; i++) {
        scripted_packet_begin(out);
        scripted_put(out, from, size);
        scripted_packet_end(out);
    }
}

static void
put_error(struct scripted_bytes *out)
{
    const unsigned number = fuzz_u16(&program);
    const unsigned kind = fuzz_u8(&program);

    scripted_error(out, number,
                   kind % 3 == 0   ? NULL
                   : kind % 3 == 1 ? "HY000"
                                   : "08S01",
                   "a fuzzed error");
}

static void
renumber(struct scripted_bytes *out)
{
    const uint8_t higher = fuzz_u8(&program);
    size_t at = 0;

    while (at + SCRIPTED_HEADER <= out->size) {
        const unsigned char *const header = out->data + at;
        const size_t size = (size_t)header[0] | (size_t)header[1] << 8 |
                            (size_t)header[2] << 16;
        out->data[at + 3] = (unsigned char)(header[3] + higher);
        at += SCRIPTED_HEADER + size;
    }
}

static void
put_in(struct scripted_bytes *out)
{
    const size_t at = place_in(out);
    unsigned char rest[REPLY_MAX];
    const size_t size = out->size - at;

    if (out->data != NULL) {
        memcpy(rest, out->data + at, size);
        out->size = at;
        put_bytes(out);
        scripted_put(out, rest, size);
    }
}

static void
take_out(struct scripted_bytes *out)
{
    const size_t at = place_in(out);
    const size_t wish = fuzz_u8(&program);
    const size_t rest = out->size - at;
    const size_t size = wish < rest ? wish : rest;

    if (size > 0) {
        memmove(out->data + at, out->data + at + size, rest - size);
        out->size -= size;
    }
}

static void
slow_down(struct reply *reply)
{
    reply->pause_at = place_in(&reply->out);
    reply->pause_ms = fuzz_u8(&program) % 4u;
}

static void
refit(struct scripted_bytes *out)
{
    if (out->size >= SCRIPTED_HEADER) {
        const size_t size = out->size - SCRIPTED_HEADER;
        out->data[0] = (unsigned char)size;
        out->data[1] = (unsigned char)(size >> 8);
        out->data[2] = 0;
    }
}

/* Of the instructions that begin with the truth. */
static void
rework(struct reply *reply, unsigned instruction,
       const struct scripted_connection *connection)
{
    struct scripted_bytes *const out = &reply->out;

    out->sequence = 1; /* of what comes behind, as if it were asked for */
    switch (instruction) {
    case SAY_CHANGED: change(out); break;
    case SAY_CUT: cut(reply); break;
    case SAY_TRUTH_AND_BYTES: put_bytes(out); break;
    case SAY_TWICE: scripted_ok(connection, out); break;
    case SAY_RENUMBERED: renumber(out); break;
    case SAY_LONGER: put_in(out); break;
    case SAY_SHORTER: take_out(out); break;
    case SAY_SLOWLY: slow_down(reply); break;
    default: break;
    }
}

static void
put_before(struct scripted_bytes *out)
{
    scripted_put(out, before, before_size);
}

/* False: the instruction is another one. */
static bool
invent(struct reply *reply, unsigned instruction)
{
    struct scripted_bytes *const out = &reply->out;

    switch (instruction) {
    case SAY_PACKET:
        scripted_packet_begin(out);
        put_bytes(out);
        scripted_packet_end(out);
        return true;
    case SAY_BYTES: put_bytes(out); return true;
    case SAY_PACKETS: put_packets(out); return true;
    case SAY_ERROR: put_error(out); return true;
    case SAY_AGAIN: put_before(out); return true;
    case SAY_NOTHING: return true;
    case SAY_SILENCE: reply->then = DEW_SCRIPT_SILENCE; return true;
    case SAY_END: reply->then = DEW_SCRIPT_CLOSE; return true;
    case SAY_ENDLESSLY: reply->endless = 1u + fuzz_u8(&program); return true;
    default: return false;
    }
}

/* Under the lock. */
static void
compose(const struct scripted_connection *connection,
        const struct scripted_bytes *due, struct reply *reply)
{
    const uint8_t byte = fuzz_u8(&program);
    const unsigned instruction = byte % REFIT % INSTRUCTIONS;

    reply->out.sequence = (unsigned char)(connection->in_sequence + 1);
    if (!invent(reply, instruction)) {
        scripted_put(&reply->out, due->data, due->size);
        if (reply->out.size > REPLY_MAX / 2) {
            reply->out.size = REPLY_MAX / 2;
        }
        rework(reply, instruction, connection);
    }
    if ((byte & REFIT) != 0) {
        refit(&reply->out);
    }
    if (reply->out.size > REPLY_MAX) {
        reply->out.size = REPLY_MAX;
    }
}

/* What crashes the client library itself, see library_faults.c: the fuzzing is
 * of our code, and would end here each time. */
static void
spare_library(dew_script_moment moment, struct scripted_bytes *out)
{
    static const unsigned char progress[] = {0xff, 0xff, 0xff};

    if (moment == DEW_SCRIPT_GREETING &&
        out->size >= SCRIPTED_HEADER + sizeof progress &&
        memcmp(out->data + SCRIPTED_HEADER, progress, sizeof progress) == 0) {
        out->data[SCRIPTED_HEADER + 1] = 0;
    }
}

static void
remember(const struct scripted_bytes *out)
{
    before_size = out->failed ? 0 : out->size;
    if (before_size > 0) {
        memcpy(before, out->data, before_size);
    }
}

/* ---- what goes out ---- */

static void
ring_silence(void)
{
    const uint64_t ring = 1;

    (void)pthread_mutex_lock(&lock);
    if (silence_bell >= 0) {
        (void)!write(silence_bell, &ring, sizeof ring);
    }
    (void)pthread_mutex_unlock(&lock);
}

static bool
send_endlessly(struct scripted_connection *connection, size_t size)
{
    static const unsigned char row[256] = {0};
    struct scripted_bytes out = {.sequence = 1};
    size_t total = 0;
    bool sent = true;

    scripted_columns_begin(&out, 1);
    scripted_column(&out, "endless", 7);
    scripted_columns_end(connection, &out);
    while (sent && !out.failed && total < ENDLESS_BYTES) {
        sent = scripted_send(connection, out.data, out.size, 0);
        total += out.size;
        out.size = 0;
        scripted_packet_begin(&out);
        scripted_put_counted(&out, row, size % sizeof row);
        scripted_packet_end(&out);
    }
    scripted_bytes_free(&out);
    return false;
}

static bool
send_reply(struct scripted_connection *connection, const struct reply *reply)
{
    const struct scripted_bytes *const out = &reply->out;

    if (reply->endless != 0) {
        return send_endlessly(connection, reply->endless);
    }
    if (out->failed) {
        return false;
    }
    if (reply->pause_at == 0) {
        return out->size == 0 ||
               scripted_send(connection, out->data, out->size, 0);
    }
    return scripted_send(connection, out->data, reply->pause_at, 0) &&
           scripted_pause(connection, reply->pause_ms) &&
           scripted_send(connection, out->data + reply->pause_at,
                         out->size - reply->pause_at, 0);
}

/* ---- in the place of play.c ---- */

bool
scripted_needs_truth(const dew_script_step *step)
{
    (void)step;
    return true;
}

bool
scripted_deliver(struct scripted_connection *connection,
                 dew_script_moment moment, const dew_script_step *step,
                 const struct scripted_bytes *due)
{
    struct reply reply = {.then = DEW_SCRIPT_GO_ON};

    (void)step;
    (void)pthread_mutex_lock(&lock);
    compose(connection, due, &reply);
    spare_library(moment, &reply.out);
    remember(&reply.out);
    (void)pthread_mutex_unlock(&lock);
    const bool sent = send_reply(connection, &reply);
    const bool silent = reply.then == DEW_SCRIPT_SILENCE;
    scripted_bytes_free(&reply.out);
    if (sent && silent) {
        ring_silence();
        scripted_swallow(connection);
    }
    return sent && reply.then == DEW_SCRIPT_GO_ON;
}

bool
scripted_play_strike(struct scripted_connection *connection)
{
    (void)connection;
    return true;
}

void
scripted_strike_done(struct scripted_connection *connection, bool rests)
{
    connection->resting = rests;
}
