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

// newStampReader returns a reader with kernel stamps for plain TCP, or with those of packets
// where they are followed.
func newStampReader(p *pooled, o Options) stampReader {
	var kernel *kernelReader
	if tcp, ok := p.conn.(*net.TCPConn); ok && o.Stamps != UserStamps {
		if raw, err := tcp.SyscallConn(); err == nil {
			kernel = &kernelReader{raw: raw, clock: o.Clock}
			kernel.try = kernel.recv
		}
	}
	switch r := recordsOf(p.conn); {
	case p.packets != nil && r != nil:
		return &packetReader{packets: p.packets, clock: o.Clock, next: recordReader(p.conn, r, &p.taken), records: true}
	case p.packets != nil && kernel != nil:
		return &packetReader{packets: p.packets, clock: o.Clock, next: kernel.next}
	case kernel != nil:
		return kernel
	}
	return userReader{p.conn, o.Clock}
}

// recordsOf are the records that TLS reads, nil where they are not counted.
func recordsOf(conn net.Conn) *records {
	if c, ok := conn.(interface{ NetConn() net.Conn }); ok { // *tls.Conn
		r, _ := c.NetConn().(*records)
		return r
	}
	return nil
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

// next reads, and returns the socket's stamp.
func (r *kernelReader) next(p []byte) (n, brought int, stamp int64, err error) {
	r.p, r.n, r.oobn, r.err = p, 0, 0, nil
	err = r.raw.Read(r.try)
	switch {
	case err != nil:
		return 0, 0, 0, err
	case r.err != nil:
		return 0, 0, 0, os.NewSyscallError("recvmsg", r.err)
	case r.n == 0:
		return 0, 0, 0, io.EOF
	}
	return r.n, r.n, softwareStamp(r.oob[:r.oobn]), nil
}

func (r *kernelReader) receive(p []byte) arrival {
	n, _, stamp, err := r.next(p)
	at := r.wall.sample(r.clock)
	if err != nil {
		return arrival{at: at, err: err}
	}
	// A stamp lies between the one before it and now, whatever the wall clock does.
	if stamp != 0 {
		at = r.wall.instant(stamp, at)
	}
	r.last = max(r.last, at)
	return arrival{n: n, at: r.last, kernel: stamp != 0}
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
