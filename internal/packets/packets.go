// Package packets knows when each segment of a run's TCP connections arrived, however late
// the program reads them. A Ring has the kernel copy the headers of what the run's servers
// send, with the kernel's arrival stamp, into memory that it shares with the program; a Table
// maps the bytes of a connection, by their sequence numbers, to these stamps.
//
// No payload is captured, and nothing but segments from the run's own servers: the kernel
// filters by their addresses and ports and cuts each packet after the fixed part of its TCP
// header. Frames that the ring had no room for leave bytes without a stamp: these are counted
// and never guessed.
//
// Parse and Stream are pure: no I/O and no clock.
package packets

import "net/netip"

// Key names what a server sends over one connection.
type Key struct {
	Server, Local netip.AddrPort
}

// KeyOf is the key of a connection; addresses have one form whatever they were written in.
func KeyOf(server, local netip.AddrPort) Key { return Key{plain(server), plain(local)} }

// plain is an address without a zone, which packets do not have, and not mapped into IPv6.
func plain(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap().WithZone(""), a.Port())
}

// Segment is a TCP segment: the sequence number of its first byte, or of its SYN, and the
// length of its payload.
type Segment struct {
	Key
	Seq      uint32
	Len      int
	SYN, FIN bool
}

// Frame is what the kernel copied of a packet.
type Frame struct {
	Header []byte // from the IP header on
	Length int    // of the whole packet, from there on
	Stamp  int64  // ns of the wall clock
}

// Counts are what a run's packets came to.
type Counts struct {
	// Frames are those that were copied, Lost those that the ring had no room for.
	Frames, Lost uint64
	// Connections are those that were followed; Unfollowed of them are those whose first
	// packet was not seen, so that none of their bytes has a stamp.
	Connections, Unfollowed uint64
	// Stamped are the bytes with a packet's stamp, Unstamped those without.
	Stamped, Unstamped uint64
	// Compared are the reads whose last byte has a packet's and the socket's stamp; in
	// Differing of them these differ by more than Tolerance. Largest is by how much at most, in ns.
	Compared, Differing uint64
	Largest             int64
}

// Tolerance is by how much, in ns, two stamps of one segment may differ. Where the kernel has not
// stamped the segment before both (TP_STATUS_TS_SOFTWARE is not set), they are two readings of one
// clock, one behind the other, and an interrupt or a hypervisor may come between: on a machine with
// 20 programs for each core 20 to 75 us, in up to 3 % of the reads. That is below what a verdict cares for.
const Tolerance = 100_000
