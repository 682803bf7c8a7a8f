package connector

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

var errForbiddenAddress = errors.New("the address is not public")

// newDialer returns a dialer that looks at every address it is about to connect
// to. That is after DNS, so neither a name that resolves to a private address
// nor one that does so the second time gets through.
func newDialer(allowPrivate bool) *net.Dialer {
	return &net.Dialer{
		Timeout: dialTimeout,
		Control: func(_, address string, _ syscall.RawConn) error {
			target, err := netip.ParseAddrPort(address)
			if err != nil || !mayDial(target.Addr(), allowPrivate) {
				return errForbiddenAddress
			}
			return nil
		},
	}
}

// mayDial reports whether a provider may be at the address.
func mayDial(address netip.Addr, allowPrivate bool) bool {
	address = innermost(address.WithZone(""))
	if !address.IsValid() || within(address, never) {
		return false
	}
	if allowPrivate {
		return true
	}
	// Of IPv6, only 2000::/3 is handed out to the public.
	return !within(address, notPublic) && (address.Is4() || globalIPv6.Contains(address))
}

// innermost is the IPv4 address that an IPv6 one stands for, if it does: the
// system, or a gateway on the way, would connect to that.
func innermost(address netip.Addr) netip.Addr {
	address = address.Unmap()
	if !address.Is6() {
		return address
	}
	bytes := address.As16()
	switch {
	case nat64.Contains(address):
		return netip.AddrFrom4([4]byte(bytes[12:16]))
	case sixToFour.Contains(address):
		return netip.AddrFrom4([4]byte(bytes[2:6]))
	}
	return address
}

func within(address netip.Addr, list []netip.Prefix) bool {
	for _, prefix := range list {
		if prefix.Contains(address) {
			return true
		}
	}
	return false
}

var (
	globalIPv6 = netip.MustParsePrefix("2000::/3")
	nat64      = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052 §2.1
	sixToFour  = netip.MustParsePrefix("2002::/16")    // RFC 3056 §2
)

// never holds what no provider is at, whatever the operator allows: nobody in
// particular, everybody, and where clouds tell machines their own secrets.
var never = prefixes(
	"0.0.0.0/8", "::/128", // this host: systems connect to themselves
	"224.0.0.0/4", "ff00::/8", "255.255.255.255/32", // multicast, broadcast
	"169.254.169.254/32", "fd00:ec2::254/128", // AWS, Azure, Google and most others
	"169.254.170.2/32", "fd00:ec2::23/128", // AWS, of containers
	"100.100.100.200/32", // Alibaba
	"168.63.129.16/32",   // Azure, the host
	"192.0.0.192/32",     // Oracle
)

// notPublic is the rest of the IANA registries of special-purpose addresses that
// are not globally reachable, with some that are but mean no server.
var notPublic = prefixes(
	"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", // RFC 1918
	"100.64.0.0/10",                                                     // RFC 6598, behind a provider's NAT
	"127.0.0.0/8",                                                       // loopback; ::1 is outside globalIPv6
	"169.254.0.0/16",                                                    // link-local; fe80::/10 and fc00::/7 (RFC 4193) are outside globalIPv6
	"192.0.0.0/24", "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", // protocols, documentation
	"192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4", // 6to4 relays, benchmarks, reserved
	"2001::/23",                  // protocols, with Teredo, which hides an IPv4 address
	"2001:db8::/32", "3fff::/20", // documentation
)

func prefixes(texts ...string) []netip.Prefix {
	list := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		list[i] = netip.MustParsePrefix(text)
	}
	return list
}
