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

// CheapHash is a password's hash as it may have been made before the cost was raised.
func CheapHash(password string) string {
	return newHasher(cheap, 1).derive(password)
}
