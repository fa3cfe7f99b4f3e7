package container

// frames tells where the frames are, if each is heard right after the one before: the track's clock then counts samples. ffmpeg
// takes them up to the one in which the edit ends, and all of that.
func (t *track) frames() *Frames {
	const samples = aacFrame
	if t.config == nil || int(t.ticks) != t.stream.Rate || !t.steady(samples) {
		return nil
	}
	f := &Frames{
		Config: t.config, Samples: samples, Count: int64(t.tables.samples),
		sizes: t.tables.sizes, runs: t.tables.counts, offsets: t.tables.offsets,
	}
	if t.edited {
		f.Skip = t.begin
		f.Count = t.reached(uint64(t.begin) + rescale(t.edits-t.empty, uint64(t.ticks), uint64(t.movie.ticks)))
	}
	return f
}

// steady tells whether no sample comes much earlier or later than so many ticks after the one before would have it. A
// telephone's clock is not that of its microphone, and ffmpeg, too, only mends what is out by a tenth of a second.
func (t *track) steady(each int64) bool {
	tolerated := int64(t.ticks) / 20
	drift := int64(0) // of the first sample of the run
	for _, run := range t.tables.runs {
		count, off := int64(run.count), int64(run.each)-each
		if last := drift + (count-1)*off; max(drift, -drift, last, -last) > tolerated {
			return false
		}
		drift += count * off
	}
	return true
}

// reached is the number of samples up to a time, and with the one that it falls into.
func (t *track) reached(end uint64) int64 {
	at, samples := uint64(0), uint64(0)
	for _, run := range t.tables.runs {
		if at+run.count*run.each >= end {
			return int64(samples + (end-at+run.each-1)/run.each)
		}
		at += run.count * run.each
		samples += run.count
	}
	return int64(samples)
}
