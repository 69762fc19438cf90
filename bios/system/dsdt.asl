// The board as ACPI sees it: the PCI bus with its four interrupt links, the ISA devices, soft-off.
DefinitionBlock ("", "DSDT", 1, "PENUMB", "PENUMBRA", 0x00000001)
{
    Scope (\_PR)
    {
        Processor (CP00, 0x00, 0x00000000, 0x00) {}
    }

    // Soft-off: SLP_TYP 0 of the PIIX4.
    Name (\_S5, Package (4) { 0x00, 0x00, 0x00, 0x00 })

    // Which interrupt controller the system uses; the links are the same for both.
    Name (\PICM, 0x00)
    Method (\_PIC, 1, NotSerialized) { Store (Arg0, \PICM) }

    Scope (\_SB)
    {
        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_ADR, 0x00)
            Name (_UID, 0x00)
            Name (_BBN, 0x00)

            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0x0000, 0x0000, 0x00FF, 0x0000, 0x0100)
                IO (Decode16, 0x0CF8, 0x0CF8, 0x01, 0x08)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0x0000, 0x0000, 0x0CF7, 0x0000, 0x0CF8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0x0000, 0x0D00, 0xFFFF, 0x0000, 0xF300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0x00000000, 0x000A0000, 0x000BFFFF, 0x00000000, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite,
                    0x00000000, 0xE0000000, 0xFEBFFFFF, 0x00000000, 0x1EC00000)
            })

            // INTA# of device n is link (n - 1) mod 4. 00:01.3 has IRQ 9 of its own on INTA#.
            Name (_PRT, Package ()
            {
                Package (4) { 0x0001FFFF, 0, LNKS, 0 }, Package (4) { 0x0001FFFF, 1, LNKB, 0 },
                Package (4) { 0x0001FFFF, 2, LNKC, 0 }, Package (4) { 0x0001FFFF, 3, LNKD, 0 },
                Package (4) { 0x0002FFFF, 0, LNKB, 0 }, Package (4) { 0x0002FFFF, 1, LNKC, 0 },
                Package (4) { 0x0002FFFF, 2, LNKD, 0 }, Package (4) { 0x0002FFFF, 3, LNKA, 0 },
                Package (4) { 0x0003FFFF, 0, LNKC, 0 }, Package (4) { 0x0003FFFF, 1, LNKD, 0 },
                Package (4) { 0x0003FFFF, 2, LNKA, 0 }, Package (4) { 0x0003FFFF, 3, LNKB, 0 },
                Package (4) { 0x0004FFFF, 0, LNKD, 0 }, Package (4) { 0x0004FFFF, 1, LNKA, 0 },
                Package (4) { 0x0004FFFF, 2, LNKB, 0 }, Package (4) { 0x0004FFFF, 3, LNKC, 0 },
                Package (4) { 0x0005FFFF, 0, LNKA, 0 }, Package (4) { 0x0005FFFF, 1, LNKB, 0 },
                Package (4) { 0x0005FFFF, 2, LNKC, 0 }, Package (4) { 0x0005FFFF, 3, LNKD, 0 },
                Package (4) { 0x0006FFFF, 0, LNKB, 0 }, Package (4) { 0x0006FFFF, 1, LNKC, 0 },
                Package (4) { 0x0006FFFF, 2, LNKD, 0 }, Package (4) { 0x0006FFFF, 3, LNKA, 0 },
                Package (4) { 0x0007FFFF, 0, LNKC, 0 }, Package (4) { 0x0007FFFF, 1, LNKD, 0 },
                Package (4) { 0x0007FFFF, 2, LNKA, 0 }, Package (4) { 0x0007FFFF, 3, LNKB, 0 },
                Package (4) { 0x0008FFFF, 0, LNKD, 0 }, Package (4) { 0x0008FFFF, 1, LNKA, 0 },
                Package (4) { 0x0008FFFF, 2, LNKB, 0 }, Package (4) { 0x0008FFFF, 3, LNKC, 0 },
            })

            // The ISA bridge, PIIX3.
            Device (ISA)
            {
                Name (_ADR, 0x00010000)
                OperationRegion (PIRQ, PCI_Config, 0x60, 0x04)
                Field (PIRQ, ByteAcc, NoLock, Preserve) { PRQA, 8, PRQB, 8, PRQC, 8, PRQD, 8 }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x70, 0x70, 0x00, 0x02) IRQNoFlags () {8} })
                }
                Device (TIMR)
                {
                    Name (_HID, EisaId ("PNP0100"))
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x40, 0x40, 0x00, 0x04) IRQNoFlags () {0} })
                }
                Device (IPIC)
                {
                    Name (_HID, EisaId ("PNP0000"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x20, 0x20, 0x00, 0x02)
                        IO (Decode16, 0xA0, 0xA0, 0x00, 0x02)
                        IRQNoFlags () {2}
                    })
                }
                Device (DMAC)
                {
                    Name (_HID, EisaId ("PNP0200"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x00, 0x00, 0x00, 0x10)
                        IO (Decode16, 0x81, 0x81, 0x00, 0x0F)
                        IO (Decode16, 0xC0, 0xC0, 0x00, 0x20)
                        DMA (Compatibility, NotBusMaster, Transfer8) {4}
                    })
                }
                Device (SPKR)
                {
                    Name (_HID, EisaId ("PNP0800"))
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x61, 0x61, 0x00, 0x01) })
                }
                Device (COPR)
                {
                    Name (_HID, EisaId ("PNP0C04"))
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0xF0, 0xF0, 0x00, 0x10) IRQNoFlags () {13} })
                }
                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x60, 0x60, 0x00, 0x01)
                        IO (Decode16, 0x64, 0x64, 0x00, 0x01)
                        IRQNoFlags () {1}
                    })
                }
                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate () { IRQNoFlags () {12} })
                }

                // A port where nobody is reads as ones.
                OperationRegion (CSR1, SystemIO, 0x03FD, 0x01)
                Field (CSR1, ByteAcc, NoLock, Preserve) { LSR1, 8 }
                OperationRegion (CSR2, SystemIO, 0x02FD, 0x01)
                Field (CSR2, ByteAcc, NoLock, Preserve) { LSR2, 8 }
                OperationRegion (PSR1, SystemIO, 0x0379, 0x01)
                Field (PSR1, ByteAcc, NoLock, Preserve) { LPS1, 8 }
                OperationRegion (FSR0, SystemIO, 0x03F4, 0x01)
                Field (FSR0, ByteAcc, NoLock, Preserve) { FMSR, 8 }
                Method (HERE, 1, NotSerialized)
                {
                    If (LEqual (Arg0, 0xFF)) { Return (0x00) }
                    Return (0x0F)
                }

                Device (FDC0)
                {
                    Name (_HID, EisaId ("PNP0700"))
                    Method (_STA, 0, NotSerialized) { Return (HERE (FMSR)) }
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03F2, 0x03F2, 0x00, 0x04)
                        IO (Decode16, 0x03F7, 0x03F7, 0x00, 0x01)
                        IRQNoFlags () {6}
                        DMA (Compatibility, NotBusMaster, Transfer8) {2}
                    })
                }
                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 0x01)
                    Method (_STA, 0, NotSerialized) { Return (HERE (LSR1)) }
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x03F8, 0x03F8, 0x00, 0x08) IRQNoFlags () {4} })
                }
                Device (COM2)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 0x02)
                    Method (_STA, 0, NotSerialized) { Return (HERE (LSR2)) }
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x02F8, 0x02F8, 0x00, 0x08) IRQNoFlags () {3} })
                }
                Device (LPT1)
                {
                    Name (_HID, EisaId ("PNP0400"))
                    Name (_UID, 0x01)
                    Method (_STA, 0, NotSerialized) { Return (HERE (LPS1)) }
                    Name (_CRS, ResourceTemplate () { IO (Decode16, 0x0378, 0x0378, 0x00, 0x08) IRQNoFlags () {7} })
                }

                // Ports that belong to the board.
                Device (MBRD)
                {
                    Name (_HID, EisaId ("PNP0C02"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x80, 0x80, 0x00, 0x01)
                        IO (Decode16, 0x92, 0x92, 0x00, 0x01)
                        IO (Decode16, 0xB2, 0xB2, 0x00, 0x02)
                        IO (Decode16, 0x04D0, 0x04D0, 0x00, 0x02)
                        IO (Decode16, 0x0600, 0x0600, 0x00, 0x40)
                        IO (Decode16, 0x0700, 0x0700, 0x00, 0x10)
                        IO (Decode16, 0xAFE0, 0xAFE0, 0x00, 0x04)
                    })
                }
            }
        }

        Method (IQST, 1, NotSerialized)
        {
            If (And (Arg0, 0x80)) { Return (0x09) }
            Return (0x0B)
        }
        Method (IQCR, 1, Serialized)
        {
            Name (BUF0, ResourceTemplate () { Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {0} })
            CreateDWordField (BUF0, 0x05, IRQN)
            If (LLess (Arg0, 0x80)) { Store (Arg0, IRQN) }
            Return (BUF0)
        }
        Name (IQPR, ResourceTemplate () { Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {5, 10, 11} })

        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0x00)
            Method (_PRS, 0, NotSerialized) { Return (IQPR) }
            Method (_STA, 0, NotSerialized) { Return (IQST (\_SB.PCI0.ISA.PRQA)) }
            Method (_DIS, 0, NotSerialized) { Or (\_SB.PCI0.ISA.PRQA, 0x80, \_SB.PCI0.ISA.PRQA) }
            Method (_CRS, 0, NotSerialized) { Return (IQCR (\_SB.PCI0.ISA.PRQA)) }
            Method (_SRS, 1, NotSerialized)
            {
                CreateDWordField (Arg0, 0x05, IRQN)
                Store (IRQN, \_SB.PCI0.ISA.PRQA)
            }
        }
        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0x01)
            Method (_PRS, 0, NotSerialized) { Return (IQPR) }
            Method (_STA, 0, NotSerialized) { Return (IQST (\_SB.PCI0.ISA.PRQB)) }
            Method (_DIS, 0, NotSerialized) { Or (\_SB.PCI0.ISA.PRQB, 0x80, \_SB.PCI0.ISA.PRQB) }
            Method (_CRS, 0, NotSerialized) { Return (IQCR (\_SB.PCI0.ISA.PRQB)) }
            Method (_SRS, 1, NotSerialized)
            {
                CreateDWordField (Arg0, 0x05, IRQN)
                Store (IRQN, \_SB.PCI0.ISA.PRQB)
            }
        }
        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0x02)
            Method (_PRS, 0, NotSerialized) { Return (IQPR) }
            Method (_STA, 0, NotSerialized) { Return (IQST (\_SB.PCI0.ISA.PRQC)) }
            Method (_DIS, 0, NotSerialized) { Or (\_SB.PCI0.ISA.PRQC, 0x80, \_SB.PCI0.ISA.PRQC) }
            Method (_CRS, 0, NotSerialized) { Return (IQCR (\_SB.PCI0.ISA.PRQC)) }
            Method (_SRS, 1, NotSerialized)
            {
                CreateDWordField (Arg0, 0x05, IRQN)
                Store (IRQN, \_SB.PCI0.ISA.PRQC)
            }
        }
        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0x03)
            Method (_PRS, 0, NotSerialized) { Return (IQPR) }
            Method (_STA, 0, NotSerialized) { Return (IQST (\_SB.PCI0.ISA.PRQD)) }
            Method (_DIS, 0, NotSerialized) { Or (\_SB.PCI0.ISA.PRQD, 0x80, \_SB.PCI0.ISA.PRQD) }
            Method (_CRS, 0, NotSerialized) { Return (IQCR (\_SB.PCI0.ISA.PRQD)) }
            Method (_SRS, 1, NotSerialized)
            {
                CreateDWordField (Arg0, 0x05, IRQN)
                Store (IRQN, \_SB.PCI0.ISA.PRQD)
            }
        }
        // The PIIX4's SCI, wired to IRQ 9.
        Device (LNKS)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 0x04)
            Name (_PRS, ResourceTemplate () { Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {9} })
            Name (_CRS, ResourceTemplate () { Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) {9} })
            Name (_STA, 0x0B)
            Method (_DIS, 0, NotSerialized) {}
            Method (_SRS, 1, NotSerialized) {}
        }
    }
}
