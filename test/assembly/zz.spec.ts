describe("zzSum", () => {
  it("adds lanes", () => {
    expect(3 + 4).toBe(7);
  });
});
