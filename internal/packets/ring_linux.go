package packets

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"sync/atomic"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// Ring is a packet socket whose frames the kernel writes into memory that it shares. It needs
// CAP_NET_RAW. It costs no system call while it is read.
//
// It is a ring of frames (TPACKET_V2) and not of blocks (TPACKET_V3): a frame is there before
// the socket that its segment belongs to can be read, so that who has read bytes finds their
// stamps. A block is not there until it is full or a timer of the kernel's, of milliseconds,
// has run out.
type Ring struct {
	fd     int
	frames int
	memory []byte
	next   int    // the frame that the kernel fills next
	ahead  uint64 // those after it that were taken before it was there, by bit
	look   int    // how many may be filled at once: one by each processor
	lost   uint64
}

// The ring's layout. A frame has the kernel's header, an address and up to 80 bytes: an IPv4
// header with options and the fixed part of TCP's.
const (
	frameSize      = 160
	blockSize      = 1 << 18
	framesPerBlock = blockSize / frameSize
	fewestBlocks   = 4  // 1 MiB, 6,552 frames
	mostBlocks     = 40 // 10 MiB, 65,520 frames
)

// framesPerConnection is the room for what a connection brings while nobody reads: with gaps of
// 10 ms between tokens, a third of a second.
const framesPerConnection = 32

// mostAhead is how far behind a frame that is not done yet others are looked for.
const mostAhead = 64

// Open opens a ring for so many connections at once, 0 for as many as there may be. It copies
// nothing until Watch.
func Open(connections int) (*Ring, error) {
	// Without a protocol nothing is received before the filter is there.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket AF_PACKET", err)
	}
	blocks := mostBlocks
	if 0 < connections && connections < mostBlocks*framesPerBlock/framesPerConnection {
		blocks = max(fewestBlocks, connections*framesPerConnection/framesPerBlock+1)
	}
	r := &Ring{fd: fd, frames: blocks * framesPerBlock, look: min(runtime.NumCPU(), mostAhead)}
	if err := r.setUp(blocks); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

func (r *Ring) setUp(blocks int) (err error) {
	if err = unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2); err != nil {
		return os.NewSyscallError("setsockopt PACKET_VERSION", err)
	}
	if err = r.Watch(nil); err != nil {
		return err
	}
	// Before Linux 4.20 the filter alone leaves out what this machine sends.
	_ = unix.SetsockoptInt(r.fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)
	layout := unix.TpacketReq{Block_size: blockSize, Block_nr: uint32(blocks), Frame_size: frameSize, Frame_nr: uint32(r.frames)}
	if err = unix.SetsockoptTpacketReq(r.fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &layout); err != nil {
		return os.NewSyscallError("setsockopt PACKET_RX_RING", err)
	}
	if r.memory, err = unix.Mmap(r.fd, 0, blocks*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return os.NewSyscallError("mmap", err)
	}
	// All protocols: a tap for one may come after the protocol itself.
	all := binary.NativeEndian.Uint16([]byte{0, unix.ETH_P_ALL})
	if err = unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: all}); err != nil {
		return os.NewSyscallError("bind AF_PACKET", err)
	}
	return nil
}

// Watch has the kernel copy the segments of these servers, and of no others.
func (r *Ring) Watch(servers []netip.AddrPort) error {
	raw, err := filter(servers)
	if err != nil {
		return fmt.Errorf("packet filter: %w", err)
	}
	program := unix.SockFprog{Len: uint16(len(raw)), Filter: (*unix.SockFilter)(unsafe.Pointer(unsafe.SliceData(raw)))}
	if err := unix.SetsockoptSockFprog(r.fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program); err != nil {
		return os.NewSyscallError("setsockopt SO_ATTACH_FILTER", err)
	}
	return nil
}

// A raw instruction is the kernel's.
var _ = [1]struct{}{}[unsafe.Sizeof(bpf.RawInstruction{})-unsafe.Sizeof(unix.SockFilter{})]

// Drain takes the frames that are there. Processors fill frames side by side: where one is not
// done yet, those behind it are taken before it.
func (r *Ring) Drain(take func(Frame)) {
	if r.memory == nil {
		return
	}
	for r.ahead&1 != 0 || r.frame(r.next, take) {
		r.ahead >>= 1
		r.next = (r.next + 1) % r.frames
	}
	for i := 1; i < r.look; i++ {
		if bit := uint64(1) << i; r.ahead&bit == 0 && r.frame((r.next+i)%r.frames, take) {
			r.ahead |= bit
		}
	}
}

// frame takes a frame, and gives its place back. It returns false where there is none.
func (r *Ring) frame(i int, take func(Frame)) bool {
	at := i/framesPerBlock*blockSize + i%framesPerBlock*frameSize
	h := (*unix.Tpacket2Hdr)(unsafe.Pointer(&r.memory[at]))
	if atomic.LoadUint32(&h.Status)&unix.TP_STATUS_USER == 0 {
		return false
	}
	if begin, end := int(h.Net), int(h.Net)+int(h.Snaplen); begin >= int(unsafe.Sizeof(*h)) && end <= frameSize {
		take(Frame{r.memory[at+begin : at+end], int(h.Len), int64(h.Sec)*1e9 + int64(h.Nsec)})
	}
	atomic.StoreUint32(&h.Status, unix.TP_STATUS_KERNEL)
	return true
}

// Lost is how many frames there was no room for.
func (r *Ring) Lost() uint64 {
	if r.fd >= 0 {
		// The kernel begins anew with each call.
		if s, err := unix.GetsockoptTpacketStats(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err == nil {
			r.lost += uint64(s.Drops)
		}
	}
	return r.lost
}

// Close ends the capture.
func (r *Ring) Close() error {
	r.Lost()
	if r.memory != nil {
		_ = unix.Munmap(r.memory)
		r.memory = nil
	}
	fd := r.fd
	r.fd = -1
	return unix.Close(fd)
}
