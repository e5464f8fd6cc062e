/*
 * Preloaded into the processes that run the tests, it makes them start programs by vfork(2) in place of fork(2). Node forks (libuv,
 * uv__spawn_and_init_child_fork), which copies the page tables of a process of 250 MB and lets each of its pages fault afterwards, for
 * some ten thousand programs in a run of the tests. What libuv does between fork and exec is fit for vfork: it never returns from the
 * function that forked, and it leaves nothing behind in memory but `environ`, which is put back here.
 *
 * fork() becomes the vfork of glibc: the return address waits in a register, because the child writes over the stack below it. Programs
 * that the tests start do not get this, because test/runner/measure.ts takes LD_PRELOAD away; others than Node would fork as ever.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>
#include <unistd.h>

#define HIDDEN __attribute__((used, visibility("hidden")))

HIDDEN char **quick_fork_environ;
HIDDEN void *quick_fork_usual;

HIDDEN void quick_fork_keep(void) { quick_fork_environ = environ; }

HIDDEN void quick_fork_put_back(void) { environ = quick_fork_environ; }

__attribute__((constructor)) static void look(void)
{
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program);
    if (length < 5 || memcmp(program + length - 5, "/node", 5) != 0)
        quick_fork_usual = dlsym(RTLD_NEXT, "fork");
}

__asm__(".text\n"
        ".globl fork\n"
        ".type fork, @function\n"
        "fork:\n"
        "  movq quick_fork_usual(%rip), %rax\n"
        "  testq %rax, %rax\n"
        "  je 0f\n"
        "  jmp *%rax\n"
        "0:\n"
        "  subq $8, %rsp\n"
        "  call quick_fork_keep\n"
        "  addq $8, %rsp\n"
        "  popq %rdi\n"
        "  movl $58, %eax\n" /* vfork */
        "  syscall\n"
        "  pushq %rdi\n"
        "  testq %rax, %rax\n"
        "  je 1f\n"
        "  js 2f\n"
        "  pushq %rax\n"
        "  call quick_fork_put_back\n"
        "  popq %rax\n"
        "1: ret\n"
        "2: negl %eax\n"
        "  subq $8, %rsp\n"
        "  movl %eax, (%rsp)\n"
        "  subq $8, %rsp\n"
        "  call __errno_location@PLT\n"
        "  addq $8, %rsp\n"
        "  movl (%rsp), %ecx\n"
        "  addq $8, %rsp\n"
        "  movl %ecx, (%rax)\n"
        "  movq $-1, %rax\n"
        "  ret\n"
        ".size fork, .-fork\n"
        ".section .note.GNU-stack,\"\",@progbits\n"
        ".text\n");
