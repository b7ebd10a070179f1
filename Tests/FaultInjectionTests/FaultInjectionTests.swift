import Testing

@testable import FaultInjection

@Suite
struct FaultInjectionTests {
  @Test
  func `counts passes up to the one that ends the process`() throws {
    let plan = try #require(FailPlan("after-commit:3"))
    #expect(plan.point == .afterCommit)
    #expect(!plan.isLastPass())
    #expect(!plan.isLastPass())
    #expect(plan.isLastPass())
    #expect(!plan.isLastPass())
  }

  @Test(arguments: [
    "", "after-commit", "after-commit:", "after-commit:0", "after-commit:-1", "after-commit:x",
    "after-commit:1:2", "no-such-point:1", ":1",
  ])
  func `takes no plan that it does not understand`(_ text: String) {
    #expect(FailPlan(text) == nil)
  }

  @Test
  func `does nothing that was not asked for`() {
    for point in FailPoint.allCases { point.pass() }
    #expect(Mutant.allCases.allSatisfy { !$0.isActive })
    #expect(FaultInjection.request == nil)
    #expect(FaultInjection.isUnderstood)
  }
}
