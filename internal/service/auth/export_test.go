package auth

// HoldHasher takes all slots of a service's hasher until the returned function is called.
func HoldHasher(s *Service) (release func()) {
	slots := s.accounts.hasher.slots
	for range cap(slots) {
		slots <- struct{}{}
	}
	return func() {
		for range cap(slots) {
			<-slots
		}
	}
}

// Wake has a service look for letters, as adding one does.
func Wake(s *Service) { s.posted <- struct{}{} }

// Cheapen lets a service hash fast.
func Cheapen(s *Service) {
	s.accounts.hasher = newHasher(cheap, cap(s.accounts.hasher.slots))
}

// CheapPrefix begins the hashes of a service that was cheapened.
const CheapPrefix = "$argon2id$v=19$m=64,t=1,p=1$"

// OldHash is a password's hash from when it cost even less.
func OldHash(password string) string {
	return newHasher(cost{memory: 32, passes: 1, threads: 1}, 1).derive(password)
}
