/* Preloaded into the product's processes. One page shared with the suite says what to pretend:
 *   clock_ns    the wall clock stands this far from the truth (all processes)
 *   disk_full   writes to regular files fail with ENOSPC (only where CRASH_FILES is set: Valkey)
 *   files       by inode, how long each file was when it was last synced: all that survives loss of power
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define FILES 4000
struct page {
    _Atomic int64_t clock_ns, disk_full, refused, count;
    struct { _Atomic uint64_t inode; _Atomic int64_t size; } files[FILES];
};

static struct page *page;
static int watching_files;

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("CRASH_PAGE");
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (fd < 0) return;
    void *found = mmap(NULL, sizeof(struct page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (found != MAP_FAILED) page = found;
    watching_files = getenv("CRASH_FILES") != NULL;
}

/* The size before the sync is what the sync vouches for. */
static int synced(int fd, long call) {
    struct stat before;
    int known = page && watching_files && fstat(fd, &before) == 0 && S_ISREG(before.st_mode);
    int result = syscall(call, fd);
    if (!known || result != 0) return result;
    int64_t count = atomic_load(&page->count);
    for (int64_t i = 0; i < count && i < FILES; i++)
        if (page->files[i].inode == before.st_ino) {
            page->files[i].size = before.st_size;
            return result;
        }
    int64_t mine = atomic_fetch_add(&page->count, 1);
    if (mine < FILES) {
        page->files[mine].size = before.st_size;
        page->files[mine].inode = before.st_ino;
    }
    return result;
}

int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

ssize_t write(int fd, const void *data, size_t size) {
    struct stat it;
    if (page && watching_files && page->disk_full && fstat(fd, &it) == 0 && S_ISREG(it.st_mode)) {
        page->refused++;
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_write, fd, data, size);
}

static int is_wall(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, now);
    if (result == 0 && page && page->clock_ns && is_wall(clock)) {
        int64_t ns = now->tv_nsec + page->clock_ns % 1000000000;
        now->tv_sec += page->clock_ns / 1000000000 + (ns >= 1000000000) - (ns < 0);
        now->tv_nsec = ns >= 1000000000 ? ns - 1000000000 : ns < 0 ? ns + 1000000000 : ns;
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec exact;
    int result = clock_gettime(CLOCK_REALTIME, &exact);
    (void)zone;
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return result;
}

time_t time(time_t *out) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME, &exact);
    if (out) *out = exact.tv_sec;
    return exact.tv_sec;
}
