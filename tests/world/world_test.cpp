#include "noisescope/world/world.h"

#include <set>

#include <gtest/gtest.h>

#include "noisescope/core/error.h"
#include "noisescope/world/look.h"

namespace noisescope {
namespace {

using Rows = std::vector<std::string>;

/// The mask as text, '#' where the shape covers the pixel.
Rows drawing(const std::string& shape, int64_t size_px) {
  const std::vector<uint8_t> mask = world_shape_mask(shape, size_px);
  Rows rows;
  for (int64_t y = 0; y < size_px; ++y) {
    std::string row;
    for (int64_t x = 0; x < size_px; ++x) row += mask[size_t(y * size_px + x)] != 0 ? '#' : '.';
    rows.push_back(row);
  }
  return rows;
}

World with_hold_out(double share, int64_t seed = 0) {
  WorldOptions options;
  options.hold_out = share;
  options.hold_out_seed = seed;
  return World(options);
}

std::vector<Scene> some_scenes(const World& world, int64_t count) {
  std::vector<Scene> scenes;
  for (int64_t i = 0; i < count; ++i) scenes.push_back(world.draw_scene(Random(1), 0, i));
  return scenes;
}

// The discs are dy^2 + dx^2 <= 31 for 12 px and <= 12.6 for 8 px, the arms of crosses 4 px wide.
TEST(WorldLook, ShapesOfTheDemo) {
  EXPECT_EQ(drawing("disc", 12),
            (Rows{".....##.....", "...######...", "..########..", ".##########.", ".##########.", "############",
                  "############", ".##########.", ".##########.", "..########..", "...######...", ".....##....."}));
  const Rows cross = drawing("cross", 12);
  EXPECT_EQ(cross[3], "....####....");
  EXPECT_EQ(cross[4], "############");
  EXPECT_EQ(cross[8], "....####....");
  EXPECT_EQ(drawing("square", 12), Rows(12, "############"));
}

TEST(WorldLook, ShapesOfTheFineWorld) {
  EXPECT_EQ(drawing("disc", 8),
            (Rows{"...##...", ".######.", ".######.", "########", "########", ".######.", ".######.", "...##..."}));
  EXPECT_EQ(drawing("cross", 8),
            (Rows{"..####..", "..####..", "########", "########", "########", "########", "..####..", "..####.."}));
}

TEST(WorldLook, ShapesAreSymmetricTouchTheSidesAndDiffer) {
  for (int64_t size = 7; size <= kWorldHalfPx; ++size) {
    std::set<Rows> different;
    for (const std::string& name : world_shape_names()) {
      const Rows rows = drawing(name, size);
      std::string first_column, last_row = rows.back();
      for (const std::string& row : rows) {
        EXPECT_EQ(row, std::string(row.rbegin(), row.rend())) << name << " " << size;
        first_column += row[0];
      }
      EXPECT_NE(rows[0].find('#'), std::string::npos) << name << " " << size;
      EXPECT_NE(last_row.find('#'), std::string::npos) << name << " " << size;
      EXPECT_NE(first_column.find('#'), std::string::npos) << name << " " << size;
      different.insert(rows);
    }
    EXPECT_EQ(different.size(), world_shape_names().size()) << size;
  }
}

TEST(World, MembersHaveTheSizesOfTheirDefinition) {
  const World demo(world_member("demo")), fine(world_member("fine"));
  EXPECT_EQ(demo.position_count(), 12);   // 6 rows x 2 columns
  EXPECT_EQ(fine.position_count(), 225);  // 25 rows x 9 columns
  EXPECT_EQ(demo.pairs(SceneSet::all).size(), 132u);
  EXPECT_EQ(demo.name(), "demo");
  EXPECT_EQ(fine.name(), "fine");
  EXPECT_NE(with_hold_out(0.1).name(), "demo");
}

TEST(World, PictureShowsTheScene) {
  const World world;
  const Scene scene{{0, 0, 3}, {2, 3, 0}, 2};  // red square at (4, 4), yellow cross at (0, 16)
  const Tensor image = world.render({scene})[0];
  const auto pixel = [&](int64_t y, int64_t x) {
    const Tensor rgb = image.select(1, y).select(1, x);
    return std::array<float, 3>{rgb[0].item<float>(), rgb[1].item<float>(), rgb[2].item<float>()};
  };
  const std::array<float, 3> red{0.9f, -0.7f, -0.7f}, yellow{0.9f, 0.9f, -0.7f}, bright{0.4f, 0.4f, 0.4f};
  EXPECT_EQ(pixel(4, 4), red);
  EXPECT_EQ(pixel(15, 15), red);
  EXPECT_EQ(pixel(3, 4), bright);
  EXPECT_EQ(pixel(16, 15), bright);
  EXPECT_EQ(pixel(0, 20), yellow);  // the arm
  EXPECT_EQ(pixel(0, 16), bright);  // beside it
  EXPECT_EQ(pixel(11, 23), yellow);
  EXPECT_EQ(pixel(12, 23), bright);
}

TEST(World, MasksAreWhereThePictureIsNotBackground) {
  const World world(world_member("fine"));
  const std::vector<Scene> scenes = some_scenes(world, 20);
  const Tensor images = world.render(scenes), masks = world.object_masks(scenes);
  for (size_t i = 0; i < scenes.size(); ++i) {
    const auto level = static_cast<float>(world.background(scenes[i].background));
    const Tensor object = (images[int64_t(i)] != level).any(0);
    EXPECT_TRUE(torch::equal(object, masks[int64_t(i)].any(0)));
    EXPECT_FALSE(masks[int64_t(i)][0].narrow(1, kWorldHalfPx, kWorldHalfPx).any().item<bool>());
    EXPECT_FALSE(masks[int64_t(i)][1].narrow(1, 0, kWorldHalfPx).any().item<bool>());
  }
}

TEST(World, CounterfactualMaskOfAColourIsTheObjectAndOfAShapeItsDisputedEdges) {
  const World world;
  const Scene scene{{0, 0, 3}, {1, 3, 0}, 0};  // red square, yellow disc
  const Tensor masks = world.object_masks({scene})[0];
  EXPECT_TRUE(torch::equal(world.counterfactual_mask(scene, SceneFactor::left_colour), masks[0]));
  EXPECT_TRUE(torch::equal(world.counterfactual_mask(scene, SceneFactor::right_colour), masks[1]));
  // Square against cross: four corners of 4 x 4. Against disc: also the ends of the arms, 2 x 4.
  const Tensor edges = world.counterfactual_mask(scene, SceneFactor::left_shape);
  EXPECT_EQ(edges.sum().item<int64_t>(), 72);
  EXPECT_FALSE(edges[8][10].item<bool>());  // the middle of the square says nothing of its shape
  const Tensor ground = world.counterfactual_mask(scene, SceneFactor::background);
  EXPECT_TRUE(torch::equal(ground, masks.any(0).logical_not()));
}

TEST(World, ScenesAreUniformAndAddressable) {
  const World world;
  std::vector<int64_t> left(12), ground(3), place(12);
  const int64_t count = 12000;
  for (const Scene& scene : some_scenes(world, count)) {
    ASSERT_NE(world.attribute(scene.left), world.attribute(scene.right));
    ++left[size_t(world.attribute(scene.left))];
    ++place[size_t(scene.right.position)];
    ++ground[size_t(scene.background)];
  }
  for (int64_t n : left) EXPECT_NEAR(double(n), 1000, 4.5 * 30.3);  // binomial standard error
  for (int64_t n : place) EXPECT_NEAR(double(n), 1000, 4.5 * 30.3);
  for (int64_t n : ground) EXPECT_NEAR(double(n), 4000, 4.5 * 51.6);
  EXPECT_EQ(world.draw_scene(Random(1), 0, 7), some_scenes(world, 8)[7]);
}

TEST(World, HeldOutPairsNeverOccurAndEveryAttributeStillDoes) {
  for (int64_t seed = 0; seed < 5; ++seed) {
    const World world = with_hold_out(0.3, seed);
    EXPECT_EQ(world.pairs(SceneSet::held_out).size(), 40u);  // round(0.3 * 66) pairs, both orders
    EXPECT_EQ(world.pairs(SceneSet::seen).size(), 92u);
    std::set<int64_t> left, right;
    for (const auto& pair : world.pairs(SceneSet::seen)) {
      left.insert(pair.left), right.insert(pair.right);
      EXPECT_FALSE(world.is_held_out(pair.left, pair.right));
      EXPECT_FALSE(world.is_held_out(pair.right, pair.left));
    }
    EXPECT_EQ(left.size(), 12u);
    EXPECT_EQ(right.size(), 12u);
  }
  const auto held = [](int64_t seed) {
    const World world = with_hold_out(0.3, seed);
    std::set<std::pair<int64_t, int64_t>> pairs;
    for (const auto& pair : world.pairs(SceneSet::held_out)) pairs.emplace(pair.left, pair.right);
    return pairs;
  };
  EXPECT_EQ(held(1), held(1));
  EXPECT_NE(held(1), held(2));
}

TEST(World, BadOptionsAreRefusedWithTheNearestName) {
  WorldOptions options;
  options.colours = {"red", "yelow"};
  try {
    World world(options);
    FAIL() << "accepted";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("did you mean 'yellow'"), std::string::npos) << error.what();
  }
  options = {};
  options.shapes = {"disc", "disc"};
  EXPECT_THROW(World{options}, ValueError);
  options = {};
  options.backgrounds = {};
  EXPECT_THROW(World{options}, ValueError);
  options = {};
  options.object_size_px = 17;
  EXPECT_THROW(World{options}, ValueError);
  options = {};
  options.shapes = {"disc"}, options.colours = {"red"};
  EXPECT_THROW(World{options}, ValueError);
  options.colours = {"red", "blue"}, options.hold_out = 0.9;  // the only pair there is
  EXPECT_THROW(World{options}, ValueError);
  EXPECT_THROW(world_member("medium"), ValueError);
  EXPECT_THROW(World().draw_scene(Random(0), 0, 0, SceneSet::held_out), ValueError);
}

}  // namespace
}  // namespace noisescope
