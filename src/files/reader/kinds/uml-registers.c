/*
 * User-Mode Linux before 6.13 keeps the vector registers of its programs in 2696 bytes. Where the processor has more (AMX: 11008), the
 * host's kernel gives it the first 2696, and takes back all or nothing: `userspace - ptrace set fp regs failed, errno = 14`, and the
 * guest's first program is dead. This makes them whole again: programs in the guest cannot have asked for what is beyond.
 *
 * linux.uml loads it by LD_PRELOAD. Source: ptrace(2), PTRACE_SETREGSET; the Intel manual, volume 1, 13.4 (the XSAVE area).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>

/* NT_X86_XSTATE of elf.h. */
#define XSTATE ((void *)0x202)
/* A header follows the registers of old; its first word says which components hold something. */
#define HEADER 512
#define AMX (3UL << 17)

typedef long trace(enum __ptrace_request, ...);

static unsigned char whole[16384];

/* Bytes of the registers of a program that has stopped; 0 where the kernel does not say. */
static size_t size_of(trace *real, long pid)
{
	struct iovec all = { whole, sizeof whole };

	return real(PTRACE_GETREGSET, pid, XSTATE, &all) == 0 ? all.iov_len : 0;
}

static long set_whole(trace *real, long pid, const struct iovec *given, size_t size)
{
	struct iovec all = { whole, size };
	unsigned long components;

	memcpy(whole, given->iov_base, given->iov_len);
	memset(whole + given->iov_len, 0, size - given->iov_len);
	memcpy(&components, whole + HEADER, sizeof components);
	components &= ~AMX;
	memcpy(whole + HEADER, &components, sizeof components);
	return real(PTRACE_SETREGSET, pid, XSTATE, &all);
}

long ptrace(enum __ptrace_request request, ...)
{
	static trace *real;
	static size_t size;
	const struct iovec *given;
	void *address, *data;
	va_list words;
	long pid;

	va_start(words, request);
	pid = va_arg(words, long);
	address = va_arg(words, void *);
	data = va_arg(words, void *);
	va_end(words);
	if (!real)
		real = (trace *)dlsym(RTLD_NEXT, "ptrace");
	given = data;
	if (request != PTRACE_SETREGSET || address != XSTATE || given->iov_len < HEADER + 64)
		return real(request, pid, address, data);
	if (!size)
		size = size_of(real, pid);
	if (given->iov_len >= size)
		return real(request, pid, address, data);
	return set_whole(real, pid, given, size);
}
