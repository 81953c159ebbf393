package wire

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// KernelStampsSupported reports whether this system stamps arrivals.
const KernelStampsSupported = true

// CheckKernelStamps returns why this system's kernel stamps no arrivals, nil if it does.
func CheckKernelStamps() error { return checkStamps(&linux{}) }

func checkStamps(sys syscalls) (err error) {
	for _, family := range []int{unix.AF_INET, unix.AF_INET6} {
		var fd int
		if fd, err = sys.socket(family, KernelStamps); err == nil {
			sys.close(fd)
			return nil
		}
	}
	return named("setsockopt SO_TIMESTAMPING", err)
}

const stampFlags = unix.SOF_TIMESTAMPING_RX_SOFTWARE | unix.SOF_TIMESTAMPING_SOFTWARE

// enableStamps returns the hook that turns arrival stamps on before connect.
func enableStamps(s Stamps) func(network, address string, c syscall.RawConn) error {
	if s == UserStamps {
		return nil
	}
	return func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) {
			err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_TIMESTAMPING, stampFlags)
		}); e != nil {
			return e
		}
		if s == KernelStamps && err != nil {
			return os.NewSyscallError("setsockopt SO_TIMESTAMPING", err)
		}
		return nil
	}
}

// newStampReader returns a reader with kernel stamps for plain TCP.
func newStampReader(conn net.Conn, o Options) stampReader {
	if tcp, ok := conn.(*net.TCPConn); ok && o.Stamps != UserStamps {
		if raw, err := tcp.SyscallConn(); err == nil {
			r := &kernelReader{raw: raw, clock: o.Clock}
			r.try = r.recv
			return r
		}
	}
	return userReader{conn, o.Clock}
}

// info is what the kernel knows of a TCP connection, all zero for any other.
func info(conn net.Conn) (i tcpInfo) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		if raw, err := tcp.SyscallConn(); err == nil {
			raw.Control(func(fd uintptr) { i = (&linux{}).info(int(fd)) })
		}
	}
	return i
}

// ackedBytes is how many bytes the peer of a connection has acknowledged, whatever is
// spoken over it; 0 where that is not known.
func ackedBytes(conn net.Conn) (n uint64) {
	if raw := socketOf(conn); raw != nil {
		raw.Control(func(fd uintptr) { n = (&linux{}).info(int(fd)).acked })
	}
	return n
}

// kernelReader reads with recvmsg, which brings the stamp of the last segment.
type kernelReader struct {
	raw   syscall.RawConn
	clock Clock
	wall  wall
	try   func(fd uintptr) bool
	p     []byte
	n     int
	oobn  int
	err   error
	last  time.Duration
	oob   [128]byte
}

func (r *kernelReader) recv(fd uintptr) bool {
	for {
		r.n, r.oobn, _, _, r.err = unix.Recvmsg(int(fd), r.p, r.oob[:], 0)
		switch r.err {
		case unix.EINTR:
		case unix.EAGAIN:
			return false
		default:
			return true
		}
	}
}

func (r *kernelReader) read(p []byte) (int, time.Duration, bool, error) {
	r.p, r.n, r.oobn, r.err = p, 0, 0, nil
	if err := r.raw.Read(r.try); err != nil {
		return 0, r.clock.Now(), false, err
	}
	at := r.wall.sample(r.clock)
	switch {
	case r.err != nil:
		return 0, at, false, os.NewSyscallError("recvmsg", r.err)
	case r.n == 0:
		return 0, at, false, io.EOF
	}
	stamp := softwareStamp(r.oob[:r.oobn])
	if stamp == 0 {
		r.last = max(at, r.last)
		return r.n, r.last, false, nil
	}
	// A stamp lies between the one before it and now, whatever the wall clock does.
	r.last = max(r.last, min(at, r.wall.instant(stamp)))
	return r.n, r.last, true, nil
}

// softwareStamp finds the kernel's receive stamp, in wall-clock nanoseconds,
// among control messages; 0 if there is none.
func softwareStamp(oob []byte) int64 {
	for len(oob) >= unix.SizeofCmsghdr {
		h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
		n := int(h.Len)
		if n < unix.SizeofCmsghdr || n > len(oob) {
			return 0
		}
		if data := oob[unix.CmsgLen(0):n]; h.Level == unix.SOL_SOCKET && h.Type == unix.SCM_TIMESTAMPING && len(data) >= 16 {
			return int64(binary.NativeEndian.Uint64(data))*1e9 + int64(binary.NativeEndian.Uint64(data[8:]))
		}
		next := unix.CmsgSpace(n - unix.CmsgLen(0))
		if next > len(oob) {
			return 0
		}
		oob = oob[next:]
	}
	return 0
}
