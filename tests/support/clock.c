/* A clock that goes faster, for a program that waits for minutes: preloaded (LD_PRELOAD), it multiplies what the clocks
 * tell by LIFEBOAT_CLOCK_RATE and divides every wait by it. The program is not changed, and knows nothing of it. Executors
 * live in that time; other commands in one that goes LIFEBOAT_CLOCK_RATE_OF_OTHERS times as fast: limits of time go faster,
 * too, and a plan needs many answers.
 * The wall clock goes on from LIFEBOAT_CLOCK_FROM (seconds since 1970), so that one process after another agrees; the
 * monotonic clock goes on from when the machine was started.
 *
 * With LIFEBOAT_HALF_SENT, the first call of a step of a run (its marker stands in the head of the request) is sent by
 * half, and the program is killed. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

typedef long long ns;

static ns rate = 0, from = 0;

/* Says whether this is an executor, by the words that it was started with. */
static int executes(void) {
    char words[4096];
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : read(file, words, sizeof words);
    if (file >= 0) close(file);
    return length > 0 && memmem(words, (size_t)length, "__execute", 9) != NULL;
}

static void know(void) {
    if (rate != 0) return;
    const char *told = getenv("LIFEBOAT_CLOCK_RATE"), *start = getenv("LIFEBOAT_CLOCK_FROM");
    from = start ? atoll(start) * SECOND : 0;
    if (told && !executes()) told = getenv("LIFEBOAT_CLOCK_RATE_OF_OTHERS");
    rate = told && atoll(told) > 0 ? atoll(told) : 1;
}

static ns of(const struct timespec *time) { return time->tv_sec * SECOND + time->tv_nsec; }

static struct timespec as_time(ns span) {
    if (span < 0) span = 0;
    return (struct timespec){.tv_sec = span / SECOND, .tv_nsec = span % SECOND};
}

static int is_wall(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

static int is_steady(clockid_t clock) {
    return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE || clock == CLOCK_MONOTONIC_RAW
        || clock == CLOCK_BOOTTIME;
}

/* From what the machine says to what the program is told, and back. */
static ns told(clockid_t clock, ns real) {
    if (is_wall(clock)) return from + (real - from) * rate;
    return is_steady(clock) ? real * rate : real;
}

static ns real_of(clockid_t clock, ns told) {
    if (is_wall(clock)) return from + (told - from) / rate;
    return is_steady(clock) ? told / rate : told;
}

#define NEXT(name) \
    static __typeof__(&name) next; \
    know(); \
    if (next == NULL) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int clock_gettime(clockid_t clock, struct timespec *time) {
    NEXT(clock_gettime);
    int done = next(clock, time);
    if (done == 0) *time = as_time(told(clock, of(time)));
    return done;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    (void)zone;
    struct timespec now;
    int done = clock_gettime(CLOCK_REALTIME, &now);
    if (done == 0) *time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return done;
}

time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where != NULL) *where = now.tv_sec;
    return now.tv_sec;
}

int nanosleep(const struct timespec *span, struct timespec *left) {
    NEXT(nanosleep);
    struct timespec shorter = as_time(of(span) / rate);
    int done = next(&shorter, left);
    if (done != 0 && left != NULL) *left = as_time(of(left) * rate);
    return done;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *span, struct timespec *left) {
    NEXT(clock_nanosleep);
    int until = flags & TIMER_ABSTIME;
    struct timespec shorter = as_time(until ? real_of(clock, of(span)) : of(span) / rate);
    int done = next(clock, flags, &shorter, left);
    if (done != 0 && !until && left != NULL) *left = as_time(of(left) * rate);
    return done;
}

static int shorter(int milliseconds) {
    return milliseconds <= 0 ? milliseconds : (int)((milliseconds + rate - 1) / rate);
}

int poll(struct pollfd *fds, nfds_t count, int timeout) {
    NEXT(poll);
    return next(fds, count, shorter(timeout));
}

int epoll_wait(int epoll, struct epoll_event *events, int most, int timeout) {
    NEXT(epoll_wait);
    return next(epoll, events, most, shorter(timeout));
}

/* Locks and parked threads of Rust's library wait by this one. */
long syscall(long number, ...) {
    static long (*next)(long, ...);
    long given[6];
    va_list list;
    va_start(list, number);
    for (int nth = 0; nth < 6; nth++) given[nth] = va_arg(list, long);
    va_end(list);
    know();
    if (next == NULL) next = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    struct timespec changed;
    if (number == SYS_futex && given[3] != 0) {
        const struct timespec *limit = (const struct timespec *)given[3];
        long does = given[1] & FUTEX_CMD_MASK;
        if (does == FUTEX_WAIT) {
            changed = as_time(of(limit) / rate);
            given[3] = (long)&changed;
        } else if (does == FUTEX_WAIT_BITSET) {
            clockid_t clock = given[1] & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
            changed = as_time(real_of(clock, of(limit)));
            given[3] = (long)&changed;
        }
    }
    return next(number, given[0], given[1], given[2], given[3], given[4], given[5]);
}

static int is_to_be_cut(const void *bytes, size_t length) {
    static const char marker[] = "lifeboat-step/";
    return getenv("LIFEBOAT_HALF_SENT") != NULL && memmem(bytes, length, marker, sizeof marker - 1) != NULL;
}

ssize_t send(int socket, const void *bytes, size_t length, int flags) {
    NEXT(send);
    if (!is_to_be_cut(bytes, length)) return next(socket, bytes, length, flags);
    next(socket, bytes, length / 2, flags);
    kill(getpid(), SIGKILL);
    return -1;
}

ssize_t writev(int file, const struct iovec *parts, int count) {
    NEXT(writev);
    for (int nth = 0; nth < count; nth++) {
        if (!is_to_be_cut(parts[nth].iov_base, parts[nth].iov_len)) continue;
        struct iovec half = {.iov_base = parts[nth].iov_base, .iov_len = parts[nth].iov_len / 2};
        next(file, &half, 1);
        kill(getpid(), SIGKILL);
    }
    return next(file, parts, count);
}
