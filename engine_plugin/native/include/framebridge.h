/* Framebridge's native client: the whole contract, in plain C.
 *
 * A client sends frames of one size to a sidecar, which runs a model on them, and is given the
 * results. It finds the sidecar, or starts one, and comes back by itself whenever either side has
 * been away. It speaks engine_plugin/PROTOCOL.md.
 *
 * No call waits, but for fb_create and fb_destroy, which start and end a thread. fb_submit and
 * fb_poll allocate nothing after the first frame. All sockets belong to the library's own thread.
 *
 * Threads: fb_submit may be called from one thread at a time, fb_poll too, and not from the same one;
 * every other function from any thread. Render events count as submit and poll of their client.
 *
 * Structs begin with `size`, which the caller sets to sizeof. A smaller one, of an older header, is
 * taken with defaults for what it lacks; a larger one, of a newer header, is FB_ERROR_VERSION unless
 * all that is unknown is zero. Zero is the default of every field.
 *
 * Strings are UTF-8, ended by a zero byte; the library copies what it keeps.
 */
#ifndef FRAMEBRIDGE_H
#define FRAMEBRIDGE_H

#include <stddef.h>
#include <stdint.h>

#ifdef _WIN32
#define FB_CALL __stdcall
#ifdef FB_BUILD
#define FB_API __declspec(dllexport)
#else
#define FB_API __declspec(dllimport)
#endif
#else
#define FB_CALL
#define FB_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header. A library takes this and all older ones. */
#define FB_ABI_VERSION 1u

/* Names a client; 0 is none. One that has been destroyed is never used again, so that a late call
 * with it is FB_ERROR_HANDLE and harms nobody. At most 32 live at a time. */
typedef uint64_t fb_client;

/* What a call came to: 0 done, above it nothing was done and nothing is wrong, below it an error
 * that fb_last_error tells in words. */
typedef int32_t fb_status;
enum {
    FB_OK = 0,
    FB_NOTHING = 1,          /* poll: no newer result; answer: not yet */
    FB_SKIPPED = 2,          /* submit: no slot was free, or no bridge is there; the frame counts as skipped */
    FB_REOPENING = 3,        /* submit: a frame of another size; the stream is opened anew for it */
    FB_ERROR_ARGUMENT = -1,  /* a null pointer, or a value out of bounds */
    FB_ERROR_HANDLE = -2,    /* no such client, or no longer */
    FB_ERROR_VERSION = -3,   /* a struct or ABI of a newer header */
    FB_ERROR_FORMAT = -4,    /* a frame or texture of a kind that cannot be sent */
    FB_ERROR_LIMIT = -5,     /* too many clients, or too long a text */
    FB_ERROR_SYSTEM = -6,    /* no thread, no memory, no socket */
    FB_ERROR_GRAPHICS = -7,  /* the graphics device lacks something, or is none that is known */
    FB_ERROR_BRIDGE = -8     /* the bridge has refused it */
};

/* fb_format.pixel_format, of 8 bits a channel */
enum { FB_RGBA8 = 0, FB_BGRA8 = 1 };
/* fb_format.rows: which row comes first in memory */
enum { FB_TOP_FIRST = 0, FB_BOTTOM_FIRST = 1 };
/* fb_format.transfer: sRGB-encoded, or proportional to light */
enum { FB_SRGB = 0, FB_LINEAR = 1 };
/* fb_format.alpha: carried along; or not looked at, and 255 in results */
enum { FB_STRAIGHT = 0, FB_OPAQUE = 1 };
/* fb_options.policy */
enum {
    FB_LATEST = 0,   /* the newest frame wins; for live use */
    FB_LOCKSTEP = 1, /* each frame is answered, in order; for offline use and tests */
    FB_FREE = 2      /* the model ticks by itself, `rate` times a second at most */
};
/* fb_options.when_gone: what fb_poll gives while the stream is not live */
enum {
    FB_PASS_THROUGH = 0, /* the frame that was submitted last, at its own size */
    FB_HOLD = 1,         /* nothing new */
    FB_CLEAR = 2         /* zeros, of the size of the last result, or else of the frame */
};
/* fb_result.origin */
enum { FB_FROM_BRIDGE = 0, FB_PASSED_THROUGH = 1, FB_CLEARED = 2 };
/* fb_statistics.state */
enum {
    FB_ABSENT = 0,     /* no bridge is found */
    FB_CONNECTING = 1, /* a bridge is there, or being started; it has not greeted yet */
    FB_OPENING = 2,    /* the model is being loaded */
    FB_LIVE = 3,
    FB_PAUSED = 4,     /* the worker has died and is started again */
    FB_FAILED = 5      /* not before a load succeeds, or the cause is mended; see fb_last_error */
};

/* What the bytes of all frames of a client mean; results have the same but for their size. */
typedef struct fb_format {
    uint32_t size;
    int32_t width;  /* pixels, 1 to 16384 */
    int32_t height;
    int32_t pixel_format;
    int32_t rows;
    int32_t transfer;
    int32_t alpha;
} fb_format;

typedef struct fb_options {
    uint32_t size;
    uint32_t abi_version;         /* FB_ABI_VERSION */
    fb_format source;
    const char *model;            /* a package's name, or an absolute path of its folder */
    const char *client_name;      /* for people, such as "unity 6000.1 Main"; or null */
    const char *label;            /* of the stream, for people; or null */
    const char *parameters;       /* knobs as a JSON object; or null */
    int32_t policy;
    int32_t when_gone;
    double rate;                  /* of FB_FREE: ticks a second, 0.1 to 1000; 0 is 60 */
    uint32_t seed;
    int32_t every;                /* 1: fb_poll gives each result in order, and the stream waits */
    const char *endpoint;         /* of a bridge, with its token; null: the one of this user */
    const char *token;
    const char *start_command;    /* how to start a bridge where none is found; null: wait for one.
                                     As a JSON array of words, such as ["framebridge"]; what makes
                                     it private to this process is added. */
    int32_t shared;               /* 1: the bridge that is started serves all of this user, and
                                     outlives this process */
    int32_t reserved;
} fb_options;

/* One frame, to be copied. */
typedef struct fb_frame {
    uint32_t size;
    int32_t width;      /* another size than before opens the stream anew */
    int32_t height;
    int32_t reserved;
    int64_t stride;     /* bytes from row to row, at least 4 * width; 0 is that */
    uint64_t frame_id;  /* larger than any before; 0: the next one */
    const void *pixels;
} fb_frame;

/* One result, to look at until the next fb_poll or fb_destroy of its client. */
typedef struct fb_result {
    uint32_t size;
    int32_t origin;
    fb_format format;
    uint32_t chain;     /* first 32 bits of what made it; 0 if nothing did */
    int64_t stride;
    uint64_t frame_id;  /* of the frame that it was made of; under FB_FREE the number of the tick */
    double age_ms;      /* since that frame was submitted; under FB_FREE since it arrived */
    double model_ms;
    const void *pixels;
} fb_result;

/* Counts since fb_create. */
typedef struct fb_statistics {
    uint32_t size;
    int32_t state;
    uint64_t sent;      /* frames given to the bridge */
    uint64_t returned;  /* of those, that came back as a result */
    uint64_t dropped;   /* of those, that came back without one */
    uint64_t skipped;   /* frames that were not sent: no slot was free, or no bridge was there */
    uint64_t late;      /* results that a newer one overtook before they were polled */
    uint64_t withheld;  /* results that were NaN or infinite */
    uint64_t taken;     /* frames that a tick has taken up, under FB_FREE */
    uint64_t lost;      /* frames under way when a worker or bridge went */
    uint64_t passed;    /* polls that gave something else than a result */
    uint64_t restarts;  /* epochs after the first */
    uint64_t connections;
    uint64_t last_sent_id;
    uint64_t last_result_id;
    double latency_ms;  /* of the last result, from submit to its arrival */
    fb_format result;   /* of the results now; width 0 before the first stream */
    fb_format source;   /* as negotiated */
} fb_statistics;

/* A knob's value. */
enum { FB_BOOL = 0, FB_INT = 1, FB_FLOAT = 2, FB_TEXT = 3, FB_COLOUR = 4 };
typedef struct fb_value {
    uint32_t size;
    int32_t kind;
    int64_t integer;    /* FB_BOOL, FB_INT */
    double number[4];   /* FB_FLOAT: the first; FB_COLOUR: red, green, blue from 0 to 1 */
    const char *text;   /* FB_TEXT: a choice */
} fb_value;

/* fb_log's level */
enum { FB_DEBUG = 0, FB_INFO = 1, FB_WARNING = 2, FB_ERROR = 3 };
typedef void(FB_CALL *fb_log_function)(int32_t level, const char *text, void *user);

/* What a render event is told, by the second argument of Unity's IssuePluginEventAndData. It must
 * stay valid until the event has run. */
typedef struct fb_render_event {
    uint32_t size;
    int32_t status;           /* out: an fb_status */
    fb_client client;
    void *source;             /* a native texture to send: a GL name, an ID3D11Texture2D*; or null */
    void *target;             /* one that the newest result is written into; or null */
    int32_t width, height;    /* of the source */
    int32_t target_width, target_height;
    uint64_t frame_id;        /* of the source; larger than any before, or 0 for the next one */
    uint64_t result_id;       /* out: frame id of what the target shows now; 0 for nothing yet */
    int32_t origin;           /* out: of that */
    int32_t result_width, result_height; /* out: the size that the target should have */
    int32_t reserved;
} fb_render_event;

/* Events of the function that fb_render_event_function gives. */
enum {
    FB_EVENT_FRAME = 1, /* send the source if there is one, show the newest result if there is one */
    FB_EVENT_CLOSE = 2  /* give back what the client holds on the graphics device */
};
typedef void(FB_CALL *fb_render_function)(int event, void *data);

/* FB_ABI_VERSION of the library. */
FB_API uint32_t FB_CALL fb_abi_version(void);

/* Start a client. It begins to look for its bridge at once, on its own thread.
 * Errors: ARGUMENT, VERSION, LIMIT, SYSTEM; then *client is 0, and fb_last_error(0, ...) says why. */
FB_API fb_status FB_CALL fb_create(const fb_options *options, fb_client *client);

/* End a client, its stream and its thread. What it holds on a graphics device must have been given
 * back before, by FB_EVENT_CLOSE. 0 is nothing. Returns OK, or HANDLE. */
FB_API fb_status FB_CALL fb_destroy(fb_client client);

/* Copy a frame into a slot and send it. Returns OK, SKIPPED, REOPENING; ARGUMENT, HANDLE, VERSION.
 * frame_id: the frame's, also of one that was skipped; may be null. */
FB_API fb_status FB_CALL fb_submit(fb_client client, const fb_frame *frame, uint64_t *frame_id);

/* The newest result that was not given yet. Returns OK, NOTHING; ARGUMENT, HANDLE, VERSION. */
FB_API fb_status FB_CALL fb_poll(fb_client client, fb_result *result);

/* Turn a knob; it is kept, and turned again wherever the stream is opened anew.
 * Returns OK (sent, or to be sent), ARGUMENT, HANDLE, LIMIT; what the bridge refuses is found in
 * fb_last_error soon after. */
FB_API fb_status FB_CALL fb_set_parameter(fb_client client, const char *name, const fb_value *value);

/* Ask for something, as a JSON object with a `type`:
 *   {"type": "load", "chain": ["style-ink"]}     another model, for this client's stream
 *   {"type": "reset", "seed": 7}                 state and tick back to the beginning
 *   {"type": "packages"}                         the packages that the bridge knows
 *   {"type": "status"}                           as the bridge's `state`
 *   {"type": "stream"}                           what this client's stream is, without asking
 * Returns a ticket above 0 for fb_answer, or an error below 0. At most 16 may be unanswered. */
FB_API int64_t FB_CALL fb_command(fb_client client, const char *json);

/* The answer to a command, as JSON: OK, or BRIDGE with the bridge's `error`; then the ticket is done.
 * NOTHING while there is none yet. LIMIT: `needed` bytes are, with the zero; ask again. */
FB_API fb_status FB_CALL fb_answer(fb_client client, int64_t ticket, char *json, size_t size,
                                   size_t *needed);

/* What became of the frames, and how the stream is. */
FB_API fb_status FB_CALL fb_get_statistics(fb_client client, fb_statistics *statistics);

/* What is wrong with a client, in words for a person: code, place, expected, found and remedy; empty
 * if nothing is, a line for each thing that is. With client 0: why the last call of this thread that
 * failed did so.
 * Returns the bytes that it takes, with the zero; at most `size` are written. */
FB_API size_t FB_CALL fb_last_error(fb_client client, char *text, size_t size);

/* Where messages go, of all clients; null for nowhere. It is called on the library's threads. After
 * the call returns the function before is not called again. It must not destroy a client. */
FB_API void FB_CALL fb_set_log(fb_log_function function, void *user, int32_t least_level);

/* Of Unity's plugin interface, and for others who have a graphics context on their own thread: the
 * function's events run with the device's context current. */
struct IUnityInterfaces;
FB_API void FB_CALL UnityPluginLoad(struct IUnityInterfaces *interfaces);
FB_API void FB_CALL UnityPluginUnload(void);
FB_API fb_render_function FB_CALL fb_render_event_function(void);

#ifdef __cplusplus
}
#endif
#endif
