package wire

import "golang.org/x/sys/unix"

// filesAhead is the number of descriptors that the process's table is made for.
const filesAhead = 1 << 14

// growFileTable grows the process's table of descriptors ahead of time. In a process
// with threads, the kernel waits some 20 ms at each doubling (synchronize_rcu in
// expand_fdtable), which would fall among the first answers of a run.
func growFileTable() {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return
	}
	high := int(min(limit.Cur, filesAhead)) - 1
	if fd, err := unix.FcntlInt(0, unix.F_DUPFD_CLOEXEC, high); err == nil {
		unix.Close(fd)
	}
}
