package mp3

import "encoding/binary"

// crcTables serve the CRC-16 of LAME's header: polynomial 0x8005, bits reflected, start 0. Table k has what a byte makes
// of the CRC with k bytes of zeros behind it, so that eight bytes are taken at once.
var crcTables = makeCRCTables()

func makeCRCTables() (tables [8][256]uint16) {
	for i := range tables[0] {
		crc := uint16(i)
		for range 8 {
			if crc&1 == 1 {
				crc = crc>>1 ^ 0xA001
			} else {
				crc >>= 1
			}
		}
		tables[0][i] = crc
	}
	for k := range tables[1:] {
		for i, crc := range tables[k] {
			tables[k+1][i] = crc>>8 ^ tables[0][byte(crc)]
		}
	}
	return tables
}

func updateCRC(crc uint16, data []byte) uint16 {
	for ; len(data) >= 8; data = data[8:] {
		x := binary.LittleEndian.Uint64(data) ^ uint64(crc)
		crc = crcTables[7][byte(x)] ^ crcTables[6][byte(x>>8)] ^ crcTables[5][byte(x>>16)] ^ crcTables[4][byte(x>>24)] ^
			crcTables[3][byte(x>>32)] ^ crcTables[2][byte(x>>40)] ^ crcTables[1][byte(x>>48)] ^ crcTables[0][x>>56]
	}
	for _, b := range data {
		crc = crc>>8 ^ crcTables[0][byte(crc)^b]
	}
	return crc
}
