package wire

import (
	"bytes"
	"encoding/binary"
	"math"
	"net/netip"
	"os"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// syscalls is what the reactor asks of the kernel; tests script it. Errors are
// bare unix.Errno.
type syscalls interface {
	epollCreate() (int, error)
	// epollAdd watches fd for everything, edge-triggered; events carry the tag.
	epollAdd(ep, fd int, tag tag) error
	// epollWait first sleeps for pause, then waits at most d, for ever if d is negative.
	// slept reports whether there was nothing when it asked.
	epollWait(ep int, events []unix.EpollEvent, d, pause time.Duration) (n int, slept bool, err error)
	// shortSlice asks for this thread to get the processor for shorter times, and so
	// sooner and more often.
	shortSlice()
	// runDelay is for how long this thread has been ready and not on a processor,
	// negative where that is not known.
	runDelay() time.Duration
	// cpuTime is this thread's processor time.
	cpuTime() time.Duration
	// done closes what these calls have opened.
	done()
	eventfd() (int, error)
	wake(fd int)
	drain(fd int) // takes back all wake-ups
	socket(family int, stamps Stamps) (int, error)
	connect(fd int, to netip.AddrPort) error
	connected(fd int) error
	// local is a connection's own address, not valid where that is not known.
	local(fd int) netip.AddrPort
	info(fd int) tcpInfo
	write(fd int, head, body []byte) (int, error)
	// recv reads, and returns the kernel's receive stamp in wall-clock nanoseconds, 0 for none.
	recv(fd int, p []byte) (n int, stamp int64, err error)
	// pending is how many bytes wait to be read.
	pending(fd int) int
	// quiet reports whether an idle connection is open and has nothing to read.
	quiet(fd int) bool
	close(fd int)
}

// tag names a connection in an event: its slot, and which of the connections
// that had this slot.
type tag struct{ slot, generation int32 }

// linux is the kernel itself. What cannot block is called raw: the scheduler need not
// know, and would give the thread's place to a goroutine that waits for one.
type linux struct {
	iov     [2]unix.Iovec
	read    unix.Iovec
	msg     unix.Msghdr
	control [128]byte
	tcp     unix.TCPInfo // unix.GetsockoptTCPInfo makes one a call, a tenth of what a run allocates
	// schedstat is the thread's file of scheduler statistics, -1 where there is none.
	schedstat int
}

func (k *linux) epollCreate() (int, error) { return unix.EpollCreate1(unix.EPOLL_CLOEXEC) }

func (k *linux) epollAdd(ep, fd int, t tag) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: t.slot, Pad: t.generation}
	_, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_CTL, uintptr(ep), unix.EPOLL_CTL_ADD, uintptr(fd), uintptr(unsafe.Pointer(&e)), 0, 0)
	return asError(errno)
}

func (k *linux) epollWait(ep int, events []unix.EpollEvent, d, pause time.Duration) (int, bool, error) {
	if pause > 0 {
		t := unix.NsecToTimespec(int64(pause))
		unix.Nanosleep(&t, nil) // the thread itself: a timer would need another one
	}
	// Under load there is always something: ask without leaving the processor first.
	n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT, uintptr(ep), uintptr(unsafe.Pointer(&events[0])), uintptr(len(events)), 0, 0, 0)
	if errno != 0 && errno != unix.EINTR {
		return 0, false, errno
	}
	if errno == 0 && n > 0 || d == 0 {
		return int(n), false, nil
	}
	ms := -1
	if d > 0 {
		ms = int(min((d+time.Millisecond-1)/time.Millisecond, 1<<30))
	}
	slept, err := unix.EpollWait(ep, events, ms)
	return slept, true, err
}

// shortSlice sets the thread's slice to the least that EEVDF knows, which Linux 6.12
// and later honour. Threads of the same process would else keep this one waiting for
// milliseconds while they begin or end requests.
func (k *linux) shortSlice() {
	if a, err := unix.SchedGetAttr(0, 0); err == nil && a.Policy == unix.SCHED_NORMAL {
		a.Runtime = uint64(100 * time.Microsecond)
		unix.SchedSetAttr(0, a, 0)
	}
}

// runDelay reads the second figure of /proc/thread-self/schedstat, which must be
// opened on the thread that it is about.
func (k *linux) runDelay() time.Duration {
	if k.schedstat == 0 {
		if k.schedstat, _ = unix.Open("/proc/thread-self/schedstat", unix.O_RDONLY|unix.O_CLOEXEC, 0); k.schedstat <= 0 {
			k.schedstat = -1
		}
	}
	var b [64]byte
	n := 0
	if k.schedstat > 0 {
		n, _ = unix.Pread(k.schedstat, b[:], 0)
	}
	return secondNumber(b[:max(n, 0)])
}

func (k *linux) cpuTime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

func (k *linux) done() {
	if k.schedstat > 0 {
		unix.Close(k.schedstat)
	}
}

// secondNumber is the second of the numbers in a line, -1 where there is none.
func secondNumber(line []byte) time.Duration {
	_, rest, _ := bytes.Cut(line, []byte{' '})
	digits, _, found := bytes.Cut(rest, []byte{' '})
	ns, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || !found {
		return -1
	}
	return time.Duration(ns)
}

func (k *linux) eventfd() (int, error) { return unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK) }

func (k *linux) wake(fd int) { unix.Write(fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

func (k *linux) drain(fd int) {
	var b [8]byte
	unix.Read(fd, b[:])
}

func (k *linux) socket(family int, stamps Stamps) (int, error) {
	n, _, errno := unix.RawSyscall(unix.SYS_SOCKET, uintptr(family), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if errno != 0 {
		return -1, errno
	}
	fd := int(n)
	setOption(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if stamps == UserStamps {
		return fd, nil
	}
	if err := setOption(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stampFlags); err != nil && stamps == KernelStamps {
		k.close(fd)
		return -1, err
	}
	return fd, nil
}

func setOption(fd, level, name int, value int32) error {
	_, _, errno := unix.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), uintptr(level), uintptr(name), uintptr(unsafe.Pointer(&value)), unsafe.Sizeof(value), 0)
	return asError(errno)
}

func (k *linux) connect(fd int, to netip.AddrPort) error {
	address := to.Addr()
	if address.Is4() {
		sa := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: networkOrder(to.Port()), Addr: address.As4()}
		_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), unsafe.Sizeof(sa))
		return asError(errno)
	}
	sa := unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: networkOrder(to.Port()), Addr: address.As16(), Scope_id: zoneID(address.Zone())}
	_, _, errno := unix.RawSyscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), unsafe.Sizeof(sa))
	return asError(errno)
}

func networkOrder(port uint16) uint16 {
	return binary.NativeEndian.Uint16([]byte{byte(port >> 8), byte(port)})
}

func asError(errno unix.Errno) error {
	if errno != 0 {
		return errno
	}
	return nil
}

func (k *linux) connected(fd int) error {
	code, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && code != 0 {
		err = unix.Errno(code)
	}
	return err
}

func (k *linux) local(fd int) (a netip.AddrPort) {
	switch sa, _ := unix.Getsockname(fd); sa := sa.(type) {
	case *unix.SockaddrInet4:
		a = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		a = netip.AddrPortFrom(netip.AddrFrom16(sa.Addr), uint16(sa.Port))
	}
	return a
}

func (k *linux) info(fd int) tcpInfo {
	info := &k.tcp
	*info = unix.TCPInfo{} // an older kernel fills less
	size := uint32(unsafe.Sizeof(*info))
	if _, _, errno := unix.RawSyscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_INFO, uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&size)), 0); errno != 0 {
		return tcpInfo{}
	}
	minRTT := time.Duration(info.Min_rtt) * time.Microsecond
	if info.Min_rtt == math.MaxUint32 { // none has been seen
		minRTT = 0
	}
	return tcpInfo{minRTT, int(info.Total_retrans), info.Bytes_acked, int(info.Rcv_ssthresh), info.Bytes_received, info.Data_segs_in, int(info.Rcv_wnd)}
}

func (k *linux) write(fd int, head, body []byte) (int, error) {
	n := 0
	for _, p := range [2][]byte{head, body} {
		if len(p) > 0 {
			k.iov[n].Base = &p[0]
			k.iov[n].SetLen(len(p))
			n++
		}
	}
	w, _, errno := unix.RawSyscall(unix.SYS_WRITEV, uintptr(fd), uintptr(unsafe.Pointer(&k.iov[0])), uintptr(n))
	k.iov = [2]unix.Iovec{}
	if errno != 0 {
		return 0, errno
	}
	return int(w), nil
}

func (k *linux) recv(fd int, p []byte) (int, int64, error) {
	k.read.Base = &p[0]
	k.read.SetLen(len(p))
	k.msg.Iov, k.msg.Iovlen = &k.read, 1
	k.msg.Control = &k.control[0]
	k.msg.SetControllen(len(k.control))
	n, _, errno := unix.RawSyscall(unix.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&k.msg)), 0)
	if errno != 0 {
		return 0, 0, errno
	}
	return int(n), softwareStamp(k.control[:k.msg.Controllen]), nil
}

func (k *linux) pending(fd int) int {
	var n int32
	unix.RawSyscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCINQ, uintptr(unsafe.Pointer(&n)))
	return int(n)
}

func (k *linux) quiet(fd int) bool {
	var b [1]byte
	_, _, err := unix.Recvfrom(fd, b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	return err == unix.EAGAIN
}

func (k *linux) close(fd int) { unix.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0) }

// named wraps an errno as the standard library does, for its message.
func named(call string, err error) error { return os.NewSyscallError(call, err) }
