/*
 * A line between two network namespaces: line NETNS-A NETNS-B INTERFACE
 *
 * Makes a TAP device of that name in each, and carries frames from one to the other, as slowly and unreliably as it is
 * told: what `tc netem` does, on kernels that lack it. Each line of standard input is an order:
 *
 *   set RTT-MS LOSS-PERCENT BITS-PER-SECOND     0 bits: as fast as it goes; loss and half the delay count for each direction
 *   cut                                         nothing arrives any more, and nobody is told
 *   restore
 *
 * and is answered with `ok`. Ends, and takes the devices with it, when standard input does.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define FRAME 1600
/* Frames on their way in one direction: 1 Gbit/s for 400 ms. */
#define SLOTS 32768
/* What may wait to be sent where there is a rate, as in a router: this many bytes, or 50 ms. */
#define BUFFER (256 * 1024)

struct frame {
  long long due;
  int bytes;
  char data[FRAME];
};

struct direction {
  int from, to;
  long long line_free; /* when the last frame has left */
  unsigned head, tail;
  struct frame *frames;
};

static double rtt_ms, loss, bits;
static int is_cut;

static void die(const char *what) {
  fprintf(stderr, "line: %s: %s\n", what, strerror(errno));
  exit(1);
}

static long long now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int tap_in(const char *netns, const char *interface) {
  char path[256];
  snprintf(path, sizeof path, "/run/netns/%s", netns);
  int namespace = open(path, O_RDONLY | O_CLOEXEC);
  if (namespace < 0 || setns(namespace, CLONE_NEWNET) < 0) die(path);
  close(namespace);
  int tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (tap < 0) die("/dev/net/tun");
  struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
  strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
  if (ioctl(tap, TUNSETIFF, &request) < 0) die(interface);
  return tap;
}

static void take(struct direction *d) {
  for (int i = 0; i < 256; i++) {
    struct frame *f = &d->frames[d->tail % SLOTS];
    f->bytes = read(d->from, f->data, FRAME);
    if (f->bytes <= 0) return;
    if (is_cut || d->tail - d->head == SLOTS || drand48() * 100 < loss) continue;
    long long now = now_ns();
    long long start = d->line_free > now ? d->line_free : now;
    if (bits > 0) {
      if (start - now > 5e7 && (start - now) * bits / 8e9 > BUFFER) continue;
      start += f->bytes * 8e9 / bits;
      d->line_free = start;
    }
    f->due = start + rtt_ms * 5e5;
    d->tail++;
  }
}

/* ns until the next frame is due; -1: none waits. */
static long long deliver(struct direction *d) {
  while (d->head != d->tail) {
    struct frame *f = &d->frames[d->head % SLOTS];
    long long wait = f->due - now_ns();
    if (wait > 0) return wait;
    if (!is_cut && write(d->to, f->data, f->bytes) < 0 && errno == EAGAIN) return 1000000;
    d->head++;
  }
  return -1;
}

static void obey(char *order) {
  if (sscanf(order, "set %lf %lf %lf", &rtt_ms, &loss, &bits) == 3) {
  } else if (!strcmp(order, "cut"))
    is_cut = 1;
  else if (!strcmp(order, "restore"))
    is_cut = 0;
  else
    exit(2);
  if (write(1, "ok\n", 3) != 3) exit(0);
}

static void orders(void) {
  static char text[4096];
  static int used;
  int got = read(0, text + used, sizeof text - 1 - used);
  if (got <= 0) exit(0);
  used += got;
  text[used] = 0;
  for (char *end; (end = strchr(text, '\n'));) {
    *end = 0;
    obey(text);
    used -= end + 1 - text;
    memmove(text, end + 1, used + 1);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  srand48(now_ns());
  prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
  int a = tap_in(argv[1], argv[3]);
  int b = tap_in(argv[2], argv[3]);
  struct direction directions[2] = {{.from = a, .to = b}, {.from = b, .to = a}};
  for (int i = 0; i < 2; i++)
    if (!(directions[i].frames = calloc(SLOTS, sizeof(struct frame)))) die("memory");
  if (write(1, "ok\n", 3) != 3) return 0;
  struct pollfd fds[3] = {{.fd = 0, .events = POLLIN}, {.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
  for (;;) {
    long long wait = -1;
    for (int i = 0; i < 2; i++) {
      long long next = deliver(&directions[i]);
      if (next >= 0 && (wait < 0 || next < wait)) wait = next;
    }
    struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
    if (ppoll(fds, 3, wait < 0 ? NULL : &timeout, NULL) < 0 && errno != EINTR) die("poll");
    if (fds[0].revents) orders();
    for (int i = 0; i < 2; i++)
      if (fds[i + 1].revents) take(&directions[i]);
  }
}
