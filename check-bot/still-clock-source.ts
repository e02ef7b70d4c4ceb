/**
 * A library to load into a program (LD_PRELOAD). Its monotonic clocks are behind the kernel's by what the
 * shared file says; CLOCK_BOOTTIME and the wall clock are not. Waits until a moment of these clocks are
 * moved by as much, as the kernel knows nothing of it. Written in C, because nothing else can be loaded
 * into Mono, Python, Node.js and Java alike.
 */
export const stillClockSource = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static volatile int64_t nothing[2];
static volatile int64_t *shared = nothing;

__attribute__((constructor)) static void open_clock(void) {
  const char *path = getenv("CHECK_BOT_CLOCK");
  int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *mapped = mmap(0, 16, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (mapped != MAP_FAILED) shared = mapped;
  close(file);
}

static int stands_still(clockid_t clock) {
  return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_MONOTONIC_COARSE;
}

static struct timespec moved(const struct timespec *time, int64_t by) {
  int64_t ns = time->tv_sec * 1000000000LL + time->tv_nsec + by;
  return (struct timespec){ns / 1000000000LL, ns % 1000000000LL};
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  if (syscall(SYS_clock_gettime, clock, time) != 0) return -1;
  if (stands_still(clock)) {
    shared[1] = 1;
    *time = moved(time, -shared[0]);
  }
  return 0;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until, struct timespec *left) {
  struct timespec real;
  if (stands_still(clock) && (flags & TIMER_ABSTIME)) {
    real = moved(until, shared[0]);
    until = &real;
  }
  return syscall(SYS_clock_nanosleep, clock, flags, until, left) == 0 ? 0 : errno;
}

static void *original(const char *name, const char *version) {
  void *found = dlvsym(RTLD_NEXT, name, version);
  return found ? found : dlsym(RTLD_NEXT, name);
}

#if defined(__aarch64__)
#define SINCE "GLIBC_2.17"
#else
#define SINCE "GLIBC_2.3.2"
#endif

int pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until) {
  static int (*real)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
  if (!real) real = original("pthread_cond_timedwait", SINCE);
  /* Which clock it is by is the condition's secret; a wall clock is beyond the year 2001. */
  struct timespec later = until->tv_sec < 1000000000 ? moved(until, shared[0]) : *until;
  return real(cond, mutex, &later);
}

int pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock, const struct timespec *until) {
  static int (*real)(pthread_cond_t *, pthread_mutex_t *, clockid_t, const struct timespec *);
  if (!real) real = original("pthread_cond_clockwait", "GLIBC_2.30");
  struct timespec later = stands_still(clock) ? moved(until, shared[0]) : *until;
  return real(cond, mutex, clock, &later);
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until) {
  static int (*real)(sem_t *, clockid_t, const struct timespec *);
  if (!real) real = original("sem_clockwait", "GLIBC_2.30");
  struct timespec later = stands_still(clock) ? moved(until, shared[0]) : *until;
  return real(semaphore, clock, &later);
}
`;
