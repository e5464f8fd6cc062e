/*
 * Two threads and a signal handler, each with other vector registers, through 20,000 system calls. Prints how often a thread found
 * registers that it had not filled so.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

static int wrong;

static void spoil(int signal)
{
	(void)signal;
	__asm__ volatile("vpcmpeqd %%ymm0, %%ymm0, %%ymm0; vpxor %%ymm15, %%ymm15, %%ymm15" ::: "ymm0", "ymm15");
}

static void *fill(void *pattern)
{
	unsigned char wanted[32], found[64];

	memset(wanted, (int)(long)pattern, sizeof wanted);
	for (int round = 0; round < 10000; round++) {
		long answer;

		/* 24 is sched_yield. */
		__asm__ volatile("vmovdqu %1, %%ymm0; vmovdqu %1, %%ymm15; mov $24, %%eax; syscall; vmovdqu %%ymm0, %2; vmovdqu %%ymm15, %3"
				 : "=&a"(answer)
				 : "m"(wanted), "m"(found[0]), "m"(found[32])
				 : "rcx", "r11", "memory", "ymm0", "ymm15");
		if (memcmp(wanted, found, 32) || memcmp(wanted, found + 32, 32))
			__atomic_add_fetch(&wrong, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

int main(void)
{
	struct itimerval often = { { 0, 1000 }, { 0, 1000 } };
	pthread_t one, another;

	if (!__builtin_cpu_supports("avx2"))
		return puts("no such registers") < 0;
	signal(SIGALRM, spoil);
	setitimer(ITIMER_REAL, &often, NULL);
	pthread_create(&one, NULL, fill, (void *)0x11);
	pthread_create(&another, NULL, fill, (void *)0x77);
	pthread_join(one, NULL);
	pthread_join(another, NULL);
	return printf("wrong: %d\n", wrong) < 0;
}
