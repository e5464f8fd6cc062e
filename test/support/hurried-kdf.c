/*
 * Preloaded into qemu-img, it makes each moment of a thread's processor time count a hundred times. qemu hashes for half a second or more
 * to learn how fast the machine is whenever it makes a LUKS header, twice for each image (crypto/pbkdf.c, qcrypto_pbkdf2_count_iters); with
 * this it learns it in a few milliseconds, and believes that the machine is slow: the header is a true one of few iterations. Each look
 * counts besides: qemu gives up where two of them show the same time, and the kernel counts it in ticks.
 */
#define _GNU_SOURCE
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static const long hurry = 100;
static const long look_us = 2000;
static __thread long looks = 0;

int getrusage(__rusage_who_t who, struct rusage *usage)
{
    int result = syscall(SYS_getrusage, who, usage);
    if (result == 0 && who == RUSAGE_THREAD) {
        long long us = (usage->ru_utime.tv_sec * 1000000LL + usage->ru_utime.tv_usec) * hurry + ++looks * look_us;
        usage->ru_utime.tv_sec = us / 1000000;
        usage->ru_utime.tv_usec = us % 1000000;
    }
    return result;
}
