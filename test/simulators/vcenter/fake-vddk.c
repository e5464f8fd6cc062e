/* A stand-in for VMware's disk library, with the entry points that nbdkit's vddk plugin uses.
 *
 * The folder $FAKE_VDDK holds what the test vCenter writes:
 *   control     lines "name value": user, password, thumbprint (hex without colons), and faults:
 *               connect-error CODE, open-error CODE, open-fails N (only the first N times), read-error-at OFFSET,
 *               slow-ms N (each read and write), open-locked-at N (that opening, from 0), no-extents 1, write-error-at OFFSET, write-error-after BYTES (of all writes), write-lost-at OFFSET (answered well), disk-full-after BYTES (of all writes)
 *   vm-57       lines "<snapshot> US <disk name> US <file> US <rw or locked>": which file is that disk as of that snapshot; "-" is no
 *               snapshot; a locked one can only be read
 *   log         what was asked of the library, and with what result
 *   writes      lines "<vm> US <disk name> US <offset> US <length> US <zero or data>": what was written, in bytes
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define X __attribute__((visibility("default")))
#define SECTOR 512
typedef uint64_t E;

enum { OK = 0, FAIL = 1, FILE_NOT_FOUND = 4, NOT_SUPPORTED = 6, FILE_ERROR = 7, DISK_FULL = 8, READ_ONLY = 11, FILE_ACCESS = 13, CREDENTIALS = 3014,
       LOCKED = 16392, CANNOT_CONNECT = 18000, ASYNC = 25000 };

struct params { char *vmx, *server, *thumb; long r1; int credtype; union { struct { char *user, *pw; } uid; struct { char *c, *u, *k; } s; } c; uint32_t port, nfc; char *r3; char r4[8]; void *r5; char *a, *b, *d; int spec; };
struct geometry { uint32_t c, h, s; };
struct info { struct geometry a, b; uint64_t capacity; int adapter; int links; char *parent, *uuid; uint32_t lss, pss; };
struct block { uint64_t off, len; };
struct list { uint32_t n; struct block b[1]; };
struct connection { char vm[256], snapshot[256]; int read_only; };
struct handle { int fd, writable; uint64_t sectors; char vm[256], disk[1024]; };

static const char *root(void) { const char *p = getenv("FAKE_VDDK"); return p ? p : "/nonexistent"; }

static FILE *in_root(const char *name, const char *mode)
{
  char path[4096];
  snprintf(path, sizeof path, "%s/%s", root(), name);
  return fopen(path, mode);
}

static void say(const char *format, ...)
{
  FILE *o = in_root("log", "a");
  if (!o) return;
  va_list v;
  va_start(v, format);
  vfprintf(o, format, v);
  va_end(v);
  fclose(o);
}

/* Value of a line of the control file. */
static int control(const char *name, char *value, size_t size)
{
  FILE *f = in_root("control", "r");
  char line[4096];
  size_t n = strlen(name);
  int found = 0;
  while (f && fgets(line, sizeof line, f)) {
    if (strncmp(line, name, n) || line[n] != ' ') continue;
    line[strcspn(line, "\n")] = 0;
    snprintf(value, size, "%s", line + n + 1);
    found = 1;
  }
  if (f) fclose(f);
  return found;
}

static long number(const char *name, long otherwise)
{
  char v[64];
  return control(name, v, sizeof v) ? atol(v) : otherwise;
}

static int same_hex(const char *a, const char *b)
{
  for (;;) {
    while (*a == ':') a++;
    while (*b == ':') b++;
    if (toupper((unsigned char)*a) != toupper((unsigned char)*b)) return 0;
    if (!*a) return 1;
    a++, b++;
  }
}

X E VixDiskLib_InitEx(uint32_t major, uint32_t minor, void *l, void *w, void *p, const char *dir, const char *cfg) { say("init %u.%u config=%s\n", major, minor, cfg ? cfg : "-"); return OK; }
X void VixDiskLib_Exit(void) {}
X const char *VixDiskLib_ListTransportModes(void) { return "file:nbdssl:nbd"; }
X void VixDiskLib_FreeErrorText(char *t) { free(t); }
X void VixDiskLib_FreeConnectParams(void *p) { free(p); }
X void *VixDiskLib_AllocateConnectParams(void) { return calloc(1, sizeof(struct params)); }

X char *VixDiskLib_GetErrorText(E e, const char *locale)
{
  switch (e) {
  case FILE_NOT_FOUND: return strdup("A file was not found");
  case FILE_ERROR: return strdup("A file access error occurred on the host or guest operating system");
  case DISK_FULL: return strdup("There is no space left in the file system");
  case READ_ONLY: return strdup("The file is write-protected");
  case LOCKED: return strdup("Failed to lock the file");
  case FILE_ACCESS: return strdup("You do not have access rights to this file");
  case CREDENTIALS: return strdup("Insufficient permissions in host operating system");
  case CANNOT_CONNECT: return strdup("Cannot connect to host");
  default: return strdup("Unknown error");
  }
}

X E VixDiskLib_ConnectEx(const struct params *p, char ro, const char *snapshot, const char *modes, void **out)
{
  char want[4096];
  E e = number("connect-error", OK);
  if (!e && control("thumbprint", want, sizeof want) && !same_hex(p->thumb ? p->thumb : "", want)) e = CANNOT_CONNECT;
  if (!e && control("user", want, sizeof want) && (!p->c.uid.user || strcmp(want, p->c.uid.user))) e = CREDENTIALS;
  if (!e && control("password", want, sizeof want) && (!p->c.uid.pw || strcmp(want, p->c.uid.pw))) e = CREDENTIALS;
  say("connect vm=%s server=%s port=%u user=%s read-only=%d snapshot=%s modes=%s -> %lu\n", p->vmx ? p->vmx : "-",
      p->server ? p->server : "-", p->port, p->c.uid.user ? p->c.uid.user : "-", ro, snapshot ? snapshot : "-", modes ? modes : "-", e);
  if (e) return e;
  struct connection *c = calloc(1, sizeof *c);
  const char *moref = p->vmx ? strstr(p->vmx, "moref=") : NULL;
  snprintf(c->vm, sizeof c->vm, "%s", moref ? moref + 6 : "-");
  snprintf(c->snapshot, sizeof c->snapshot, "%s", snapshot ? snapshot : "-");
  c->read_only = ro;
  *out = c;
  return OK;
}

/* The file that is this disk as of the connection's snapshot. */
static int find(const struct connection *c, const char *disk, char *file, size_t size, int *locked)
{
  FILE *f = strchr(c->vm, '/') ? NULL : in_root(c->vm, "r");
  char line[8192];
  int found = 0;
  while (f && !found && fgets(line, sizeof line, f)) {
    char *name = strchr(line, '\x1f'), *where = name ? strchr(name + 1, '\x1f') : NULL;
    if (!where) continue;
    *name++ = 0, *where++ = 0;
    where[strcspn(where, "\n")] = 0;
    char *lock = strchr(where, '\x1f');
    if (!lock) continue;
    *lock++ = 0;
    *locked = strcmp(lock, "rw");
    found = !strcmp(line, c->snapshot) && !strcmp(name, disk);
    if (found) snprintf(file, size, "%s", where);
  }
  if (f) fclose(f);
  return found;
}

X E VixDiskLib_Open(void *connection, const char *path, uint32_t flags, void **out)
{
  static int opened;
  char file[4096];
  struct stat s;
  int nth = opened++;
  E e = nth < number("open-fails", 1 << 30) ? number("open-error", OK) : OK;
  if (!e && nth == number("open-locked-at", -1)) e = LOCKED;
  int fd = -1, locked = 0, write = !(flags & 4);
  if (!e && !find(connection, path, file, sizeof file, &locked)) e = FILE_NOT_FOUND;
  /* A machine that runs locks its disks; the files below a snapshot are never written to (VDDK guide, "Restore"). */
  if (!e && write && locked) e = LOCKED;
  if (!e && write && ((struct connection *)connection)->read_only) e = FILE_ACCESS;
  if (!e && (fd = open(file, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC)) < 0) e = FILE_ACCESS;
  if (!e && write && flock(fd, LOCK_EX | LOCK_NB)) e = LOCKED;
  if (!e && fstat(fd, &s)) e = FILE_ERROR;
  say("open %s snapshot=%s flags=%u -> %lu %s\n", path, ((struct connection *)connection)->snapshot, flags, e, e ? "" : file);
  if (e) return e;
  struct handle *h = calloc(1, sizeof *h);
  h->fd = fd;
  h->writable = write;
  snprintf(h->vm, sizeof h->vm, "%s", ((struct connection *)connection)->vm);
  snprintf(h->disk, sizeof h->disk, "%s", path);
  h->sectors = s.st_size / SECTOR;
  *out = h;
  return OK;
}

X const char *VixDiskLib_GetTransportMode(void *h) { return "nbdssl"; }
X E VixDiskLib_Close(struct handle *h) { say("close\n"); close(h->fd); free(h); return OK; }
X E VixDiskLib_Disconnect(void *c) { say("disconnect\n"); free(c); return OK; }
X E VixDiskLib_GetInfo(struct handle *h, struct info **i) { *i = calloc(1, sizeof **i); (*i)->capacity = h->sectors; (*i)->lss = (*i)->pss = SECTOR; return OK; }
X void VixDiskLib_FreeInfo(void *i) { free(i); }

X E VixDiskLib_Read(struct handle *h, uint64_t sector, uint64_t n, void *b)
{
  /* Read from the control file a few times a second only: reads must be as fast as the disk. */
  static long bad_at = -1, slow;
  static struct timespec looked;
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (!looked.tv_sec || now.tv_sec - looked.tv_sec > 1 || (now.tv_sec - looked.tv_sec) * 1000 + (now.tv_nsec - looked.tv_nsec) / 1000000 > 200) {
    bad_at = number("read-error-at", -1);
    slow = number("slow-ms", 0);
    looked = now;
  }
  if (slow) usleep(slow * 1000);
  uint64_t start = sector * SECTOR, length = n * SECTOR, done = 0;
  if (bad_at >= 0 && (uint64_t)bad_at >= start && (uint64_t)bad_at < start + length) { say("read error at %ld\n", bad_at); return FILE_ERROR; }
  while (done < length) {
    ssize_t got = pread(h->fd, (char *)b + done, length - done, start + done);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return FILE_ERROR;
    done += got;
  }
  return OK;
}

static int all_zero(const char *b, uint64_t n) { return !n || (!*b && !memcmp(b, b + 1, n - 1)); }

/* One line at a time, so that lines of several processes never mix. */
static void note_write(const struct handle *h, uint64_t start, uint64_t length, const void *b)
{
  char path[4096], line[2048];
  snprintf(path, sizeof path, "%s/writes", root());
  int n = snprintf(line, sizeof line, "%s\x1f%s\x1f%lu\x1f%lu\x1f%s\n", h->vm, h->disk, start, length, all_zero(b, length) ? "zero" : "data");
  int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd >= 0 && write(fd, line, n) != n) say("the write at %lu could not be noted\n", start);
  if (fd >= 0) close(fd);
}

X E VixDiskLib_Write(struct handle *h, uint64_t sector, uint64_t n, const void *b)
{
  static uint64_t written;
  uint64_t start = sector * SECTOR, length = n * SECTOR, done = 0;
  long bad_at = number("write-error-at", -1), most = number("disk-full-after", -1), fails = number("write-error-after", -1), slow = number("slow-ms", 0), lost_at = number("write-lost-at", -1);
  if (slow) usleep(slow * 1000);
  if (!h->writable) return READ_ONLY;
  if (sector + n > h->sectors) return FAIL;
  if (bad_at >= 0 && (uint64_t)bad_at >= start && (uint64_t)bad_at < start + length) { say("write error at %ld\n", bad_at); return FILE_ERROR; }
  if (fails >= 0 && written + length > (uint64_t)fails) { say("write error after %lu\n", written); return FILE_ERROR; }
  if (most >= 0 && written + length > (uint64_t)most) { say("disk full after %lu\n", written); return DISK_FULL; }
  /* Noted first: what might have been written counts. */
  note_write(h, start, length, b);
  if (lost_at >= 0 && (uint64_t)lost_at >= start && (uint64_t)lost_at < start + length) { say("write lost at %ld\n", lost_at); return OK; }
  while (done < length) {
    ssize_t put = pwrite(h->fd, (const char *)b + done, length - done, start + done);
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return errno == ENOSPC ? DISK_FULL : FILE_ERROR;
    done += put;
  }
  written += length;
  return OK;
}

X E VixDiskLib_ReadAsync(struct handle *h, uint64_t s, uint64_t n, void *b, void (*cb)(void *, E), void *d) { cb(d, VixDiskLib_Read(h, s, n, b)); return ASYNC; }
X E VixDiskLib_WriteAsync(struct handle *h, uint64_t s, uint64_t n, const void *b, void (*cb)(void *, E), void *d) { cb(d, VixDiskLib_Write(h, s, n, b)); return ASYNC; }
X E VixDiskLib_Flush(struct handle *h) { say("flush\n"); return OK; }
X E VixDiskLib_Wait(struct handle *h) { return OK; }
X E VixDiskLib_Create(void *c, const char *p, const void *q, void *a, void *b) { return NOT_SUPPORTED; }

/* What is not a hole of the file, in whole chunks. */
X E VixDiskLib_QueryAllocatedBlocks(struct handle *h, uint64_t start, uint64_t n, uint64_t chunk, struct list **out)
{
  if (number("no-extents", 0)) return NOT_SUPPORTED;
  struct list *l = malloc(sizeof *l + sizeof(struct block) * (n / chunk + 1));
  l->n = 0;
  off_t at = start * SECTOR, end = (start + n) * SECTOR;
  while (at < end) {
    off_t data = lseek(h->fd, at, SEEK_DATA), hole;
    if (data < 0 || data >= end) break;
    hole = lseek(h->fd, data, SEEK_HOLE);
    if (hole < 0 || hole > end) hole = end;
    uint64_t first = (uint64_t)data / SECTOR / chunk * chunk, last = ((uint64_t)hole / SECTOR + chunk - 1) / chunk * chunk;
    if (first < start) first = start;
    if (last > start + n) last = start + n;
    if (l->n && l->b[l->n - 1].off + l->b[l->n - 1].len >= first) l->b[l->n - 1].len = last - l->b[l->n - 1].off;
    else { l->b[l->n].off = first; l->b[l->n].len = last - first; l->n++; }
    at = last * SECTOR;
  }
  *out = l;
  return OK;
}

X E VixDiskLib_FreeBlockList(struct list *l) { free(l); return OK; }
