package packets

import (
	"encoding/binary"
	"net/netip"
)

const (
	tcp       = 6
	tcpHeader = 20 // its fixed part
	ipv6Fixed = 40
)

// Parse reads the headers of an IPv4 or IPv6 packet, of which the first bytes were kept, up to
// the end of the TCP header's fixed part. length is that of the whole packet; it counts only
// where the packet's own is 0, as in packets of more than 64 KiB, because short frames are padded.
// It returns false for what is no whole TCP segment.
func Parse(header []byte, length int) (s Segment, ok bool) {
	if len(header) == 0 {
		return s, false
	}
	var from, to netip.Addr
	var size int // of the IP header
	switch header[0] >> 4 {
	case 4:
		size = int(header[0]&0x0f) * 4
		if size < 20 || len(header) < size || header[9] != tcp || binary.BigEndian.Uint16(header[6:])&0x3fff != 0 {
			return s, false // a fragment, among others
		}
		from, to = netip.AddrFrom4([4]byte(header[12:])), netip.AddrFrom4([4]byte(header[16:]))
		if n := int(binary.BigEndian.Uint16(header[2:])); n > 0 {
			length = n
		}
	case 6:
		if size = ipv6Fixed; len(header) < size || header[6] != tcp {
			return s, false
		}
		from, to = netip.AddrFrom16([16]byte(header[8:])), netip.AddrFrom16([16]byte(header[24:]))
		if n := int(binary.BigEndian.Uint16(header[4:])); n > 0 {
			length = ipv6Fixed + n
		}
	default:
		return s, false
	}
	t := header[size:]
	if len(t) < tcpHeader {
		return s, false
	}
	offset := int(t[12]>>4) * 4
	if s.Len = length - size - offset; offset < tcpHeader || s.Len < 0 {
		return s, false
	}
	s.Key = Key{netip.AddrPortFrom(from, binary.BigEndian.Uint16(t)), netip.AddrPortFrom(to, binary.BigEndian.Uint16(t[2:]))}
	s.Seq, s.SYN, s.FIN = binary.BigEndian.Uint32(t[4:]), t[13]&synFlag != 0, t[13]&finFlag != 0
	return s, true
}
