// The window, with SDL2. The only file that includes SDL.
#include <SDL.h>
#include <fmt/format.h>

#include "core/base/error.h"
#include "frontend/hot_keys.h"
#include "frontend/window.h"

namespace penumbra {

namespace {

constexpr int kFirstWidth = 720, kFirstHeight = 400;  // the text mode that a PC starts in

HostError sdl_error(const char* what) {
  return HostError(fmt::format("--display sdl: {}: {} (without a display, use --display none or --nographic)", what,
                               SDL_GetError()));
}

// SDL's library state: set up once a window is wanted, taken down with it.
struct Library {
  Library() {
    // Signals stay ours, and the screen saver the person's.
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_MOUSE_RELATIVE_MODE_CENTER, "1");
    if (SDL_Init(SDL_INIT_VIDEO) != 0) throw sdl_error("SDL cannot start");
  }
  ~Library() { SDL_Quit(); }
};

class SdlWindow final : public Window {
 public:
  explicit SdlWindow(const WindowSetup& setup)
      : mouse_(setup.mouse), listener_(setup.listener), hot_keys_(setup.keyboard) {
    window_ = SDL_CreateWindow("Penumbra", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED, kFirstWidth, kFirstHeight,
                               SDL_WINDOW_RESIZABLE | SDL_WINDOW_ALLOW_HIGHDPI);
    if (window_ == nullptr) throw sdl_error("no window");
    // Presenting must not wait for the screen: the guest runs on this thread.
    renderer_ = SDL_CreateRenderer(window_, -1, 0);
    if (renderer_ == nullptr) renderer_ = SDL_CreateRenderer(window_, -1, SDL_RENDERER_SOFTWARE);
    if (renderer_ == nullptr) {
      const HostError error = sdl_error("no renderer");
      SDL_DestroyWindow(window_);
      throw error;
    }
    if (setup.full_screen) toggle_full_screen();
    retitle();
    draw();
  }

  ~SdlWindow() override {
    if (texture_ != nullptr) SDL_DestroyTexture(texture_);
    SDL_DestroyRenderer(renderer_);
    SDL_DestroyWindow(window_);
  }

  void poll() override {
    SDL_Event event;
    while (SDL_PollEvent(&event) != 0) handle(event);
    if (moved_x_ != 0 || moved_y_ != 0 || wheel_ != 0) mouse_.move(moved_x_, moved_y_, wheel_);
    moved_x_ = moved_y_ = wheel_ = 0;
    if (dirty_) draw();
  }

  void show(const Picture& picture) override {
    if (picture.width == 0 || picture.height == 0) return;
    if (texture_ == nullptr || picture.width != width_ || picture.height != height_) {
      if (!new_texture(picture.width, picture.height)) return;
    }
    SDL_UpdateTexture(texture_, nullptr, picture.pixels.data(), static_cast<int>(width_ * sizeof(u32)));
    draw();
  }

  void status(const std::string& text) override {
    if (text == status_) return;
    status_ = text;
    retitle();
  }

 private:
  // False if the host has no memory for it; the picture before stays.
  bool new_texture(u32 width, u32 height) {
    SDL_Texture* texture = SDL_CreateTexture(renderer_, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING,
                                             static_cast<int>(width), static_cast<int>(height));
    if (texture == nullptr) return false;
    if (texture_ != nullptr) SDL_DestroyTexture(texture_);
    texture_ = texture;
    width_ = width;
    height_ = height;
    // The window follows the guest's mode as long as the person has not chosen a size.
    if (!resized_by_person_ && (SDL_GetWindowFlags(window_) & SDL_WINDOW_FULLSCREEN_DESKTOP) == 0) {
      const int factor = width <= 400 ? 2 : 1;
      set_width_ = static_cast<int>(width) * factor;
      set_height_ = static_cast<int>(height) * factor;
      SDL_SetWindowSize(window_, set_width_, set_height_);
    }
    return true;
  }

  void draw() {
    dirty_ = false;
    SDL_SetRenderDrawColor(renderer_, 0, 0, 0, SDL_ALPHA_OPAQUE);
    SDL_RenderClear(renderer_);
    if (texture_ != nullptr) {
      int width = 0, height = 0;
      SDL_GetRendererOutputSize(renderer_, &width, &height);
      const Placement place = place_picture(width, height, width_, height_);
      const bool whole = place.width % static_cast<int>(width_) == 0 && place.height % static_cast<int>(height_) == 0;
      SDL_SetTextureScaleMode(texture_, whole ? SDL_ScaleModeNearest : SDL_ScaleModeLinear);
      const SDL_Rect to{place.x, place.y, place.width, place.height};
      SDL_RenderCopy(renderer_, texture_, nullptr, &to);
    }
    SDL_RenderPresent(renderer_);
  }

  void retitle() {
    std::string title = "Penumbra";
    if (!status_.empty()) title += " - " + status_;
    title += captured_ ? " - Ctrl+Alt+G frees the mouse" : " - click to give the mouse to the guest";
    SDL_SetWindowTitle(window_, title.c_str());
  }

  void capture(bool on) {
    captured_ = on;
    SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE);
    SDL_SetWindowGrab(window_, on ? SDL_TRUE : SDL_FALSE);
    if (!on) release_buttons();
    retitle();
  }

  void release_buttons() {
    for (const MouseButton button : {MouseButton::left, MouseButton::right, MouseButton::middle})
      mouse_.button(button, false);
  }

  void toggle_full_screen() {
    const bool full = (SDL_GetWindowFlags(window_) & SDL_WINDOW_FULLSCREEN_DESKTOP) != 0;
    SDL_SetWindowFullscreen(window_, full ? 0 : SDL_WINDOW_FULLSCREEN_DESKTOP);
    dirty_ = true;
  }

  void handle(const SDL_Event& event) {
    switch (event.type) {
      case SDL_QUIT: listener_.command(WindowCommand::quit); break;
      case SDL_KEYDOWN:
      case SDL_KEYUP:
        // SDL's scan codes are USB HID usages.
        if (const auto command = hot_keys_.key(event.key.keysym.scancode, event.type == SDL_KEYDOWN)) obey(*command);
        break;
      case SDL_MOUSEMOTION:
        if (!captured_) break;
        moved_x_ += event.motion.xrel;
        moved_y_ += event.motion.yrel;
        break;
      case SDL_MOUSEWHEEL:
        // SDL counts clicks away from the person.
        if (captured_) wheel_ -= event.wheel.y;
        break;
      case SDL_MOUSEBUTTONDOWN:
      case SDL_MOUSEBUTTONUP: press(event.button); break;
      case SDL_DROPFILE:
        listener_.dropped(event.drop.file);
        SDL_free(event.drop.file);
        break;
      case SDL_WINDOWEVENT: handle_window(event.window); break;
      case SDL_RENDER_TARGETS_RESET:
      case SDL_RENDER_DEVICE_RESET: dirty_ = true; break;
      default: break;
    }
  }

  void handle_window(const SDL_WindowEvent& event) {
    switch (event.event) {
      case SDL_WINDOWEVENT_FOCUS_LOST:
        hot_keys_.release_all();
        if (captured_) capture(false);
        break;
      case SDL_WINDOWEVENT_RESIZED:
        resized_by_person_ |= event.data1 != set_width_ || event.data2 != set_height_;
        dirty_ = true;
        break;
      case SDL_WINDOWEVENT_EXPOSED:
      case SDL_WINDOWEVENT_SIZE_CHANGED: dirty_ = true; break;
      default: break;
    }
  }

  void press(const SDL_MouseButtonEvent& event) {
    const bool pressed = event.type == SDL_MOUSEBUTTONDOWN;
    if (!captured_) {
      // The click that captures is not the guest's.
      if (pressed) capture(true);
      swallow_release_ = pressed;
      return;
    }
    if (!pressed && swallow_release_) {
      swallow_release_ = false;
      return;
    }
    switch (event.button) {
      case SDL_BUTTON_LEFT: mouse_.button(MouseButton::left, pressed); break;
      case SDL_BUTTON_RIGHT: mouse_.button(MouseButton::right, pressed); break;
      case SDL_BUTTON_MIDDLE: mouse_.button(MouseButton::middle, pressed); break;
      default: break;
    }
  }

  void obey(WindowCommand command) {
    switch (command) {
      case WindowCommand::free_mouse: capture(!captured_); break;
      case WindowCommand::full_screen: toggle_full_screen(); break;
      default: listener_.command(command);
    }
  }

  Library library_;  // first: everything below needs it
  MousePort& mouse_;
  WindowListener& listener_;
  HotKeys hot_keys_;
  SDL_Window* window_ = nullptr;
  SDL_Renderer* renderer_ = nullptr;
  SDL_Texture* texture_ = nullptr;
  u32 width_ = 0, height_ = 0;  // of the texture
  int set_width_ = kFirstWidth, set_height_ = kFirstHeight;
  bool resized_by_person_ = false;
  bool captured_ = false;
  bool swallow_release_ = false;
  bool dirty_ = false;
  i32 moved_x_ = 0, moved_y_ = 0, wheel_ = 0;
  std::string status_;
};

}  // namespace

std::unique_ptr<Window> open_sdl_window(const WindowSetup& setup) { return std::make_unique<SdlWindow>(setup); }

}  // namespace penumbra
