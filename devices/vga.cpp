// Ports, windows and PCI face of the display adapter.
#include "devices/vga.h"

#include <cstring>

namespace penumbra {

namespace {

constexpr u64 kWindow = 0xA0000;
constexpr u32 kWindowBytes = 0x20000;
constexpr PciIdentity kIdentity = {.vendor = 0x1234, .device = 0x1111, .class_code = 0x030000, .revision = 2};

constexpr u32 kDefaultFrameBuffer = 0xE000'0000;
constexpr u32 kPrefetchable = 8;

// A blank shorter than this is not drawn: three frames at 60 Hz.
constexpr Ticks kBlankDelay = milliseconds(50);

constexpr u16 kDispiIndex = 0x1CE;
constexpr u16 kDispiData = 0x1CF;
constexpr u16 kDispiAlignedData = 0x1D0;

}  // namespace

Vga::Vga(PortBus& ports, GuestMemory& memory, Clock& clock, Trace& trace, std::vector<u8> option_rom)
    : PciFunction(kIdentity), clock_(clock), trace_(trace), option_rom_(std::move(option_rom)) {
  ports.claim({0x3B4, 0x3B5}, *this);
  ports.claim({0x3BA, 0x3BA}, *this);
  ports.claim({0x3C0, 0x3CF}, *this);
  ports.claim({0x3D4, 0x3D5}, *this);
  ports.claim({0x3DA, 0x3DA}, *this);
  ports.claim({kDispiIndex, kDispiAlignedData + 1}, *this, Width::word);
  memory.map_mmio(PhysAddr(kWindow), kWindowBytes, *this, "vga-window");
  declare_memory_bar(kFrameBufferBar, memory_.bytes());
  // Where the adapter stood before it was on PCI, and where software that does not look expects it.
  declare(kFirstBar, Width::dword, kDefaultFrameBuffer | kPrefetchable, ~(VgaMemory::kBytes - 1));
  declare_register_bar(kRegisterBar, kPageSize, register_bar_);
  if (!option_rom_.empty()) declare_rom(option_rom_);
  reset(Reset::power_on);
}

void Vga::reset(Reset kind) {
  registers_.reset();
  palette_.reset();
  dispi_.reset();
  memory_.reset();
  if (kind == Reset::power_on) memory_.clear();
  reset_pci();
  dispi_changed();
  blanked_ = true;
  blanked_since_ = clock_.now() - kBlankDelay.value;
}

void Vga::visit(State& state) {
  const StateSection section(state, "vga");
  registers_.visit(state);
  palette_.visit(state);
  memory_.visit(state);
  dispi_.visit(state);
  state.field("blanked", blanked_);
  state.field("blanked_since", blanked_since_);
  visit_pci(state);
  if (state.loading()) dispi_changed();
}

// --- the display ---

VgaFrame Vga::frame() const { return dispi_.enabled() ? plain_frame(dispi_.mode().height) : vga_frame(registers_); }

bool Vga::render(Picture& picture) {
  if (blanked_ && clock_.now() - blanked_since_ >= kBlankDelay.value) return renderer_.draw_blank(picture);
  // The cursor blinks every 16 frames, characters every 32.
  const u64 frames = frame().beam(clock_.now()).frame;
  return renderer_.draw(picture, {.cursor = !(frames & 8), .characters = !(frames & 16)});
}

std::vector<std::string> Vga::text() const {
  if (dispi_.enabled() || registers_.graphics_mode()) return {};
  return vga_text(registers_, memory_);
}

void Vga::note_blanking() {
  bool now_blank = !registers_.palette_address_source() || registers_.screen_off();
  // The CRTC and the sequencer have no say in the DISPI's modes.
  if (!dispi_.enabled()) now_blank |= registers_.in_sequencer_reset() || !registers_.enabled();
  if (now_blank && !blanked_) blanked_since_ = clock_.now();
  blanked_ = now_blank;
}

// --- ports ---

u32 Vga::port_in(u16 port, Width width) {
  return port <= kDispiAlignedData + 1 ? dispi_in(port, width) : read_port(port);
}

void Vga::port_out(u16 port, Width width, u32 value) {
  if (port <= kDispiAlignedData + 1)
    dispi_out(port, width, static_cast<u16>(value));
  else
    write_port(port, static_cast<u8>(value));
}

bool Vga::answers(u16 port) const {
  if (port == 0x3C3) return true;
  if (!registers_.enabled()) return false;
  const u16 group = port & 0x3F0;
  return group == 0x3C0 || group == (registers_.color_addresses() ? 0x3D0 : 0x3B0);
}

u8 Vga::input_status_1() {
  registers_.expect_attribute_index();
  const VgaBeam beam = frame().beam(clock_.now());
  u8 status = 0;
  if (!beam.display_enable) {
    status |= 0x01;
    // Two bits of the colour that goes to the screen, for diagnostics: outside of the picture, the overscan's.
    constexpr u8 shown[4][2] = {{0, 2}, {4, 5}, {1, 3}, {6, 7}};
    const u8* pair = shown[registers_.attribute(AttributeIndex::color_plane_enable) >> 4 & 3];
    const u8 color = registers_.attribute(AttributeIndex::overscan_color);
    status |= static_cast<u8>(bit(color, pair[0]) << 4 | bit(color, pair[1]) << 5);
  }
  if (beam.vertical_retrace) status |= 0x08;
  return status;
}

u8 Vga::read_port(u16 port) {
  if (!answers(port)) return 0xFF;
  switch (port) {
    case 0x3C0: return registers_.attribute_index();
    case 0x3C1: return registers_.read_attribute();
    case 0x3C2: return 0x10;  // input status 0: the sense line says that a monitor is there
    case 0x3C3: return registers_.video_subsystem_enable();
    case 0x3C4: return registers_.sequencer_index();
    case 0x3C5: return registers_.read_sequencer();
    case 0x3C6: return palette_.pixel_mask();
    case 0x3C7: return palette_.dac_state();
    case 0x3C8: return palette_.write_index();
    case 0x3C9: return palette_.read_data();
    case 0x3CA: return registers_.feature_control();
    case 0x3CC: return registers_.misc_output();
    case 0x3CE: return registers_.graphics_index();
    case 0x3CF: return registers_.read_graphics();
    case 0x3B4:
    case 0x3D4: return registers_.crtc_index();
    case 0x3B5:
    case 0x3D5: return registers_.read_crtc(memory_.latches());
    case 0x3BA:
    case 0x3DA: return input_status_1();
    default: return 0xFF;
  }
}

void Vga::write_port(u16 port, u8 value) {
  if (!answers(port)) return;
  switch (port) {
    case 0x3C0: registers_.write_attribute_port(value); break;
    case 0x3C2: registers_.write_misc_output(value); break;
    case 0x3C3: registers_.write_video_subsystem_enable(value); break;
    case 0x3C4: registers_.select_sequencer(value); break;
    case 0x3C5: registers_.write_sequencer(value); break;
    case 0x3C6: palette_.write_pixel_mask(value); break;
    case 0x3C7: palette_.select_for_reading(value); break;
    case 0x3C8: palette_.select_for_writing(value); break;
    case 0x3C9: palette_.write_data(value); break;
    case 0x3CE: registers_.select_graphics(value); break;
    case 0x3CF: registers_.write_graphics(value); break;
    case 0x3B4:
    case 0x3D4: registers_.select_crtc(value); break;
    case 0x3B5:
    case 0x3D5: registers_.write_crtc(value); break;
    case 0x3BA:
    case 0x3DA: registers_.write_feature_control(value); break;
    default: break;
  }
  note_blanking();
}

// --- the DISPI ---

// Words are what the interface is made of; bytes reach the data's halves at 1CFh and 1D0h.
u16 Vga::dispi_in(u16 port, Width width) const {
  if (port == kDispiIndex) return dispi_.index();
  const u16 data = dispi_.read(dispi_.index());
  if (width == Width::word) return port == kDispiAlignedData + 1 ? 0xFFFF : data;
  return port == kDispiData ? data & 0xFF : port == kDispiAlignedData ? data >> 8 : 0xFF;
}

void Vga::dispi_out(u16 port, Width width, u16 value) {
  if (port == kDispiIndex) return dispi_.select(value);
  if (port == kDispiAlignedData + 1) return;
  if (width == Width::byte) {
    const u16 data = dispi_.read(dispi_.index());
    value = static_cast<u16>(port == kDispiData ? (data & 0xFF00) | (value & 0xFF) : (data & 0xFF) | value << 8);
  }
  write_dispi(dispi_.index(), value);
}

void Vga::write_dispi(u16 index, u16 value) {
  trace_.line(Channel::vga, "dispi {:x} <- {:x}", index, value);
  if (dispi_.write(index, value)) {
    const VbeDispi::Mode mode = dispi_.mode();
    trace_.line(Channel::vga, "mode {}x{}x{}", mode.width, mode.height, mode.bpp);
    std::memset(memory_.bytes().data(), 0, dispi_.picture_bytes());
  }
  dispi_changed();
}

void Vga::dispi_changed() {
  palette_.set_eight_bits(dispi_.eight_bit_dac());
  const bool large_planes = dispi_.enabled() && dispi_.planar();
  memory_.set_planar_bank(large_planes ? dispi_.bank_offset() : 0,
                          large_planes ? VgaMemory::kLargePlaneMask : VgaMemory::kPlaneMask);
  note_blanking();
}

// --- windows ---

std::optional<u32> Vga::window_offset(u64 address) const {
  if (!registers_.ram_enabled() || !registers_.enabled()) return std::nullopt;
  const u32 offset = static_cast<u32>(address - kWindow);
  u32 first = 0;
  u32 bytes = 0x10000;
  if (!dispi_.enabled()) {
    // Miscellaneous bits 3-2, Memory Map.
    switch (registers_.graphics(GraphicsIndex::miscellaneous) >> 2 & 3) {
      case 0: bytes = kWindowBytes; break;
      case 1: break;
      case 2: first = 0x10000, bytes = 0x8000; break;
      default: first = 0x18000, bytes = 0x8000; break;
    }
  }
  if (offset - first >= bytes) return std::nullopt;
  return offset - first;
}

u32 Vga::mmio_read(PhysAddr address, Width width) {
  if (linear_window()) {
    const std::optional<u32> at = window_offset(address.value);
    return at ? memory_.read_linear(dispi_.bank_offset() + *at, width) : all_ones(width);
  }
  // The adapter's bus is eight bits wide: each byte is a cycle of its own and loads the latches.
  u32 value = 0;
  for (unsigned i = 0; i < bytes_of(width); ++i) {
    const std::optional<u32> at = window_offset(address.value + i);
    value |= u32{at ? memory_.read_planar(*at) : u8{0xFF}} << 8 * i;
  }
  return value;
}

void Vga::mmio_write(PhysAddr address, Width width, u32 value) {
  if (linear_window()) {
    if (const std::optional<u32> at = window_offset(address.value))
      memory_.write_linear(dispi_.bank_offset() + *at, width, value);
    return;
  }
  for (unsigned i = 0; i < bytes_of(width); ++i)
    if (const std::optional<u32> at = window_offset(address.value + i))
      memory_.write_planar(*at, static_cast<u8>(value >> 8 * i));
}

namespace {

constexpr u32 kVgaPorts = 0x400;
constexpr u32 kVgaPortsEnd = 0x420;
constexpr u32 kDispiRegisters = 0x500;
constexpr u32 kDispiRegistersEnd = 0x516;
constexpr u32 kExtension = 0x600;
constexpr u32 kExtensionBytes = 8;
constexpr u32 kLittleEndian = 0x1E1E1E1E;

}  // namespace

u32 Vga::RegisterBar::mmio_read(PhysAddr address, Width width) {
  const u32 offset = static_cast<u32>(address.value) & kPageMask;
  if (offset >= kVgaPorts && offset < kVgaPortsEnd) {
    u32 value = 0;
    for (unsigned i = 0; i < bytes_of(width) && offset + i < kVgaPortsEnd; ++i)
      value |= u32{vga_.read_port(static_cast<u16>(0x3C0 + offset - kVgaPorts + i))} << 8 * i;
    return value;
  }
  if (offset >= kDispiRegisters && offset < kDispiRegistersEnd)
    return vga_.dispi_.read(static_cast<u16>((offset - kDispiRegisters) / 2)) >> (offset & 1 ? 8 : 0);
  if (offset == kExtension) return kExtensionBytes;
  if (offset == kExtension + 4) return kLittleEndian;
  return 0;
}

void Vga::RegisterBar::mmio_write(PhysAddr address, Width width, u32 value) {
  const u32 offset = static_cast<u32>(address.value) & kPageMask;
  if (offset >= kVgaPorts && offset < kVgaPortsEnd) {
    for (unsigned i = 0; i < bytes_of(width) && offset + i < kVgaPortsEnd; ++i)
      vga_.write_port(static_cast<u16>(0x3C0 + offset - kVgaPorts + i), static_cast<u8>(value >> 8 * i));
    return;
  }
  if (offset >= kDispiRegisters && offset < kDispiRegistersEnd && width == Width::word && !(offset & 1))
    vga_.write_dispi(static_cast<u16>((offset - kDispiRegisters) / 2), static_cast<u16>(value));
}

}  // namespace penumbra
